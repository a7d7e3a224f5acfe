"""Trying the migrations of a candidate on a copy before the store itself meets them.

What a migration does to the store does not go back with a rollback. So a candidate that brings some
gets no replica on the store before all of this has passed: the copy is migrated, in bounded time;
the tables have only gained; last good runs on the copy beside the candidate, and each reads what
the other writes. Then the store is migrated, within a moment or not at all. A release that was good
before, or needs nothing new, costs none of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.guard import history
from ostiary.guard.fleet import Fleet
from ostiary.guard.patience import journal_failure
from ostiary.guard.rehearsal.errors import StoreTrialError
from ostiary.guard.rehearsal.on_copy import CopyJourneys
from ostiary.guard.rehearsal.programs import MigrationLimits, StorePrograms
from ostiary.guard.rehearsal.retained import Retained
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import Random
from ostiary.kernel.journal import Journal
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import IDENTITY
from ostiary.runtime.store_copies import StoreCopies, StoreCopy

HELD_SECONDS_MAX = 1.0
"""How long a migration may hold what others wait for; whoever writes waits 1.2 s at most."""

_ON_COPY = MigrationLimits(seconds_max=120.0, held_seconds_max=60.0)
_ON_STORE = MigrationLimits(seconds_max=30.0, held_seconds_max=HELD_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class StoreTrialParts:
    """What a trial needs. `fleet_on` starts replicas on a copy, apart from those that serve."""

    programs: StorePrograms
    copies: StoreCopies
    fleet_on: Callable[[StoreCopy], Fleet]
    journeys: CopyJourneys
    retained: Retained
    journal: Journal
    clock: Clock
    rng: Random


class StoreTrial:
    """Makes the store ready for one candidate at a time."""

    def __init__(self, parts: StoreTrialParts) -> None:
        self._parts = parts
        self._work: asyncio.Task[tuple[Reason, ...]] | None = None
        self._given_up = False

    async def prepare(
        self, snapshot: Snapshot, watch: Callable[[ProcessRecord], None] = lambda _: None
    ) -> tuple[Reason, ...]:
        """Return when replicas of a snapshot may start, with what is worth knowing.

        `watch` is told the process that migrates the store. Raises `StoreTrialError` where they
        may not start; then the store is as it was.
        """
        self._given_up = False
        self._work = asyncio.create_task(self._prepare(snapshot, watch))
        try:
            return await self._work
        except asyncio.CancelledError:
            if self._given_up:
                text = "The migration was given up, because the change ended."
                raise StoreTrialError(Reason("migration_given_up", text)) from None
            raise
        except StoreTrialError:
            raise
        except OstiaryError as error:
            raise StoreTrialError(Reason(error.code, str(error))) from error
        except OSError as error:
            text = f"The store cannot be copied: {error.strerror} ({error.filename})."
            raise StoreTrialError(Reason("store_not_copied", text)) from error

    def give_up(self) -> None:
        """End a trial that is under way; its copy is removed, and the store is as it was."""
        if self._work is not None and not self._work.done():
            self._given_up = True
            self._work.cancel()

    async def clean_up(self) -> None:
        """Remove what an earlier guard left behind; what cannot be removed now stays for later."""
        for copy in self._parts.copies.left_behind():
            copy.kill_noted()
            await self._remove(copy)

    async def _prepare(
        self, snapshot: Snapshot, watch: Callable[[ProcessRecord], None]
    ) -> tuple[Reason, ...]:
        parts, release = self._parts, snapshot.releases[IDENTITY]
        if release in parts.retained.releases():
            return ()
        needed = await parts.programs.revision(release)
        present = await parts.programs.present()
        if needed <= present:
            return ()
        began = parts.clock.monotonic()
        await self.clean_up()
        async with self._copy() as copy:
            on_copy = await self._try(copy, snapshot, needed)
            seconds = parts.clock.monotonic() - began
            held = await parts.programs.migrate(
                release, parts.programs.database_url, _ON_STORE, _both(copy.note_process, watch)
            )
        data: dict[str, str | float] = {
            "snapshot": snapshot.id,
            "from": present,
            "to": needed,
            "held_seconds": held,
            "held_seconds_on_copy": on_copy,
            "tried_seconds": round(seconds, 1),
        }
        parts.journal.append(history.STORE_MIGRATED, snapshot.id, data)
        text = (
            f"The store was migrated from {present} to {needed} in {held:.2f} s "
            f"({on_copy:.2f} s on a copy before); it stays so."
        )
        return (Reason("store_migrated", text, data),)

    async def _try(self, copy: StoreCopy, snapshot: Snapshot, needed: str) -> float:
        """Return for how long the migration held its locks on a copy; raise what speaks against."""
        parts, release = self._parts, snapshot.releases[IDENTITY]
        before = await parts.programs.describe(copy)
        held = await parts.programs.migrate(release, copy.database_url, _ON_COPY, copy.note_process)
        found = await parts.programs.present(copy.database_url)
        if found != needed:
            text = f"Release {release[:12]} says that it needs revision {needed} of the store, but "
            text += f"its migrations lead to {found}."
            raise StoreTrialError(Reason("migration_incomplete", text))
        await parts.retained.require_expanding(before, await parts.programs.describe(copy))
        if held > HELD_SECONDS_MAX:
            raise StoreTrialError(_too_long(needed, held))
        last_good = parts.retained.last_good()
        failed = await parts.journeys.run(parts.fleet_on(copy), snapshot, last_good)
        if failed:
            raise StoreTrialError(*failed)
        return held

    @asynccontextmanager
    async def _copy(self) -> AsyncIterator[StoreCopy]:
        """Provide a copy of the store, and remove it with all that runs on it."""
        copy = self._parts.copies.begin(self._parts.rng)
        try:
            await self._parts.programs.copy(copy)
            yield copy
        finally:
            await self._remove(copy)

    async def _remove(self, copy: StoreCopy) -> None:
        fleet = self._parts.fleet_on(copy)
        try:
            await fleet.stop(fleet.adopt(), routed=False)
            await self._parts.programs.drop(copy)
        except (OstiaryError, OSError) as error:
            # Its record stays, by which the next trial, or the next guard, comes back to it.
            journal_failure(self._parts.journal, "store copy", error)
            return
        copy.remove_files()


def _both(
    one: Callable[[ProcessRecord], None], other: Callable[[ProcessRecord], None]
) -> Callable[[ProcessRecord], None]:
    def tell(process: ProcessRecord) -> None:
        one(process)
        other(process)

    return tell


def _too_long(needed: str, held: float) -> Reason:
    text = (
        f"The migration to {needed} took {held:.1f} s on a copy of the store; sign-ins would wait "
        f"for it, and may wait {HELD_SECONDS_MAX:g} s. Make it in several releases, or let the "
        "code fill rows little by little."
    )
    numbers = {"held_seconds": held, "held_seconds_max": HELD_SECONDS_MAX}
    return Reason("migration_too_long", text, numbers)
