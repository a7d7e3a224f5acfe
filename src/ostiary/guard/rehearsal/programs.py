"""What the guard asks programs about a store: its own, and those of releases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ostiary.guard.rehearsal.schema import Schema
from ostiary.guard.threads import in_thread
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.releases import ReleaseStore
from ostiary.runtime.store_copies import StoreCopy
from ostiary.runtime.store_program import StoreProgram, StoreProgramError, ask
from ostiary.runtime.store_revision import read_revision, sqlite_file

_TELLING_SECONDS_MAX = 20.0
_REVISION_CHARACTERS_MAX = 100
_LOCK_SECONDS_MAX_FILE = 5.0
_LOCK_SECONDS_MAX_SERVER = 0.5
"""On a server others wait behind whoever waits for a table, so that wait is short."""


@dataclass(frozen=True, slots=True)
class MigrationLimits:
    """How long a migration may take in all, and hold what others wait for, in seconds."""

    seconds_max: float
    held_seconds_max: float


@dataclass(frozen=True, slots=True)
class StorePrograms:
    """Asks about the store at `database_url`. All raise `OstiaryError` where there is no answer."""

    releases: ReleaseStore
    database_url: str = field(repr=False)
    copy_seconds_max: float = 120.0

    async def revision(self, release: str) -> str:
        """Return which revision a release needs."""
        answer = await self._ask_release(release, "revision", {})
        revision = answer.get("revision")
        if isinstance(revision, str) and 0 < len(revision) <= _REVISION_CHARACTERS_MAX:
            return revision
        text = f"Release {release[:12]} does not tell which revision of the store it needs."
        raise StoreProgramError("store_program_rubbish", text)

    async def needs(self, release: str) -> Mapping[str, frozenset[str]] | None:
        """Return the columns of each table that a release uses; None where it does not tell."""
        try:
            answer = await self._ask_release(release, "needs", {})
            tables = answer["tables"].items()
            return {str(name): frozenset(map(str, columns)) for name, columns in tables}
        except (StoreProgramError, LookupError, TypeError, AttributeError):
            return None

    async def describe(self, copy: StoreCopy) -> Schema:
        """Return what the tables of a copy look like."""
        request = {"database_url": copy.database_url}
        seconds_max = _TELLING_SECONDS_MAX
        answer = await ask(StoreProgram.own(), "describe", request, seconds_max=seconds_max)
        return Schema.from_json(answer)

    async def copy(self, copy: StoreCopy) -> None:
        """Make a copy of the store, or raise and leave it to `drop` and to the file system."""
        await ask(
            StoreProgram.own(),
            "copy",
            {"database_url": self.database_url, **copy.target},
            seconds_max=self.copy_seconds_max,
            started=copy.note_process,
        )

    async def drop(self, copy: StoreCopy) -> None:
        """Take a copy out of the database where it is kept in one."""
        if copy.schema is not None:
            request = {"database_url": self.database_url, "schema": copy.schema}
            seconds_max = _TELLING_SECONDS_MAX
            await ask(StoreProgram.own(), "drop", request, seconds_max=seconds_max)

    async def present(self, database_url: str | None = None) -> str:
        """Return which revision a store is at, by default the one that serves."""
        return await in_thread(partial(read_revision, database_url or self.database_url))

    async def migrate(
        self,
        release: str,
        database_url: str,
        limits: MigrationLimits,
        started: Callable[[ProcessRecord], None],
    ) -> float:
        """Let a release migrate a store; return for how many seconds it held its locks."""
        on_server = sqlite_file(database_url) is None
        request = {
            "database_url": database_url,
            "lock_seconds_max": _LOCK_SECONDS_MAX_SERVER if on_server else _LOCK_SECONDS_MAX_FILE,
            "held_seconds_max": limits.held_seconds_max,
        }
        answer = await self._ask_release(
            release, "migrate", request, seconds_max=limits.seconds_max, started=started
        )
        held = answer.get("held_seconds")
        if isinstance(held, int | float) and 0 <= held <= limits.seconds_max:
            return float(held)
        text = f"Release {release[:12]} does not tell for how long its migration held locks."
        raise StoreProgramError("store_program_rubbish", text)

    async def _ask_release(
        self,
        release: str,
        command: str,
        request: Mapping[str, Any],
        *,
        seconds_max: float = _TELLING_SECONDS_MAX,
        started: Callable[[ProcessRecord], None] = lambda _: None,
    ) -> dict[str, Any]:
        whole = await in_thread(partial(self.releases.for_start, release))
        program = StoreProgram.of(whole)
        return await ask(program, command, request, seconds_max=seconds_max, started=started)
