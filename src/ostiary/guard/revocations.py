"""Taking back what snapshots have minted: owed in the journal first, then done at the replicas.

No rollback waits for it. The store may be away, so it is tried until it is done, also by the
guards that come after this one.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from ostiary.guard import history
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.revocation_record import COUNTS, RevocationRecord
from ostiary.kernel.errors import OstiaryError, RefusedError
from ostiary.kernel.ids import Random, new_id
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica

_PAUSE_SECONDS = 1.0


class Admin(Protocol):
    """The admin API of all last good replicas."""

    async def request_of_all(
        self, path: str, body: dict[str, Any], others: Sequence[Replica] = ()
    ) -> dict[str, Any]:
        """Post the same to every replica; see `IdentityAdmin`."""
        ...


class Serving(Protocol):
    """What is served, and by whom."""

    last_good: str
    canary: list[Replica]
    replaced: list[Replica]

    def kept_snapshots(self) -> list[str]:
        """Return for which snapshots members are kept up."""
        ...


class Revocations:
    """Keeps what is owed, and does it once no replica of the snapshot runs any more."""

    def __init__(
        self,
        journal: Journal,
        reader: HistoryReader,
        admin: Admin,
        plane: Serving,
        *,
        is_stopping: Callable[[str], bool],
        rng: Random,
    ) -> None:
        """`is_stopping` says whether replicas of a snapshot are about to end."""
        self._journal = journal
        self._reader = reader
        self._admin = admin
        self._plane = plane
        self._is_stopping = is_stopping
        self._rng = rng
        self._problems: dict[str, str] = {}
        self._at_it = asyncio.Lock()

    def owe(
        self,
        snapshot: str,
        because: str,
        *,
        change: str | None = None,
        operator: str | None = None,
    ) -> RevocationRecord:
        """Journal that all a snapshot has minted is to be taken back, and return the record.

        Ordered again it stays the one that it was, as long as that one is owed, or is of the same
        change. Raises `JournalError`.
        """
        found = self._reader.present().revocations
        for record in found:
            same_change = change is not None and record.change == change
            if record.snapshot == snapshot and (record.done_at is None or same_change):
                return record
        order = new_id("r", self._rng)
        data = {"order": order, "because": because, "change": change, "operator": operator}
        self._journal.append(history.REVOCATION_OWED, snapshot, data)
        return self.find(order)

    def order(self, snapshot: str, because: str, operator: str) -> RevocationRecord:
        """Owe what an operator orders for a snapshot that is neither served nor tried.

        Where all of it was taken back before, and the snapshot has not been started since, that
        record is returned. Raises `RefusedError` for a snapshot that serves.
        """
        found = self._reader.present()
        plane = self._plane
        if snapshot in {plane.last_good, found.last_good, *plane.kept_snapshots()}:
            raise RefusedError(
                "snapshot_serves",
                f"{snapshot} serves users; what it mints goes on counting.",
                hint="`ostiary change rollback CHANGE --revoke` on the change that made it brings "
                "the one before it back first. For a key that may have leaked: "
                "`ostiary keys rotate --revoke`.",
            )
        if snapshot in {replica.snapshot for replica in plane.canary}:
            raise RefusedError(
                "snapshot_in_change",
                f"{snapshot} is being tried at this moment.",
                hint="`ostiary change rollback CHANGE --revoke` ends the change and takes back "
                "what was minted.",
            )
        done = found.revoked_since_start(snapshot)
        return self.owe(snapshot, because, operator=operator) if done is None else done

    async def run(self) -> None:
        """Do for ever what is owed. Raises `JournalError`: what cannot be recorded must not go."""
        while True:
            for record in self._reader.present().owed:
                await self.settle(record)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def settle(self, record: RevocationRecord) -> RevocationRecord:
        """Try once to do what is owed, and return the record as it then stands."""
        async with self._at_it:
            if self.find(record.order).done_at is None:
                await self._try(record)
        return self.find(record.order)

    def report(self) -> list[dict[str, Any]]:
        """Return what is owed, each as `told` does."""
        return [self.told(record) for record in self._reader.present().owed]

    def told(self, record: RevocationRecord) -> dict[str, Any]:
        """Return a record with why it could not be done yet; null before a try, and when done."""
        return record.to_json() | {"problem": self._problems.get(record.order)}

    def find(self, order: str) -> RevocationRecord:
        """Return the record of an order that was journalled."""
        found = self._reader.present().revocations
        return next(record for record in found if record.order == order)

    async def _try(self, record: RevocationRecord) -> None:
        plane, snapshot = self._plane, record.snapshot
        running = {*plane.kept_snapshots(), *(each.snapshot for each in plane.canary)}
        if snapshot in running or self._is_stopping(snapshot):
            # One that is still answering could mint once more after all else was taken back.
            self._problems[record.order] = "Its replicas are still running."
            return
        path = f"/admin/snapshots/{quote(snapshot, safe='')}/revoke"
        body = {"order": record.order, "reason": record.because}
        try:
            told = await self._admin.request_of_all(path, body, [*plane.canary, *plane.replaced])
            counts = {name: int(told[name]) for name in COUNTS}
        except (OstiaryError, OSError) as error:
            self._problems[record.order] = str(error)
            return
        except (KeyError, TypeError, ValueError):
            self._problems[record.order] = "The last good release gave an answer of another kind."
            return
        self._problems.pop(record.order, None)
        data = {"order": record.order, "change": record.change, **counts}
        self._journal.append(history.SNAPSHOT_REVOKED, snapshot, data)
