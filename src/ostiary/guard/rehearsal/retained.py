"""What the snapshots that may come back need of the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.guard.history import History
from ostiary.guard.rehearsal.contraction import Contraction, contractions
from ostiary.guard.rehearsal.errors import StoreTrialError
from ostiary.guard.rehearsal.programs import StorePrograms
from ostiary.guard.rehearsal.schema import Schema
from ostiary.guard.retention import STARTABLE_MIN
from ostiary.runtime.ports import IDENTITY

_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Retained:
    """The newest `kept` good snapshots, and the one for which the serving replicas were started.

    All methods raise `OstiaryError` where one of them cannot be read.
    """

    snapshots: SnapshotStore
    history: Callable[[], History]
    serving: Callable[[], str]
    programs: StorePrograms
    kept: int

    def last_good(self) -> Snapshot:
        """Return the snapshot that serves."""
        return self.snapshots.get(self.serving())

    def releases(self) -> set[str]:
        """Return the releases of all of them: their migrations have run on this store."""
        return {each.releases[IDENTITY] for each in self._all()}

    async def require_expanding(self, before: Schema, after: Schema) -> None:
        """Raise `StoreTrialError` where something is gone that one of them needs."""
        found = contractions(before, after)
        needs = await self._needs() if found else {}
        reasons = []
        for each in found:
            who = [name for name, need in needs.items() if each.is_needed_by(need)]
            if who:
                reasons.append(_contracting(each, who))
        if reasons:
            raise StoreTrialError(*reasons)

    async def _needs(self) -> dict[str, Mapping[str, frozenset[str]] | None]:
        """Return by snapshot what its release needs; each release is asked once."""
        by_release = {each.releases[IDENTITY]: each.id for each in reversed(self._all())}
        return {
            snapshot: await self.programs.needs(release) for release, snapshot in by_release.items()
        }

    def _all(self) -> list[Snapshot]:
        marks = self.history().marks[-max(self.kept, STARTABLE_MIN) :]
        return [self.snapshots.get(name) for name in dict.fromkeys([self.serving(), *marks[::-1]])]


def _contracting(each: Contraction, who: list[str]) -> Reason:
    more = len(who) - _NAMES_SHOWN
    names = ", ".join(who[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    text = f"The migration {each.text}; {names} may come back and needs it. {each.instead}"
    where = f"{each.table}.{','.join(each.columns)}" if each.columns else each.table
    numbers = {"kind": each.code, "where": where, "needed_by": ", ".join(who)}
    return Reason("migration_contracts", text, numbers)
