"""A candidate and last good side by side on a migrated copy of the store, with journeys of both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.fleet import Fleet
from ostiary.guard.trial_place import TrialPlace, url_of
from ostiary.guard.trial_reasons import no_accounts, reasons_of
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.runtime.ports import Replica
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.known_faults import NONE_KNOWN, KnownFaults
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from ostiary.watch.journeys.report import JourneyReport, combine
from ostiary.watch.relying_party.target import Target

_LAST_GOOD = "last good on the migrated copy"
_ACCOUNTS = 2
"""Faults of a share of accounts are looked for on the store itself, as always."""


@dataclass(frozen=True, slots=True)
class CopyJourneys:
    """Runs the journeys of two versions that share one copy."""

    place: TrialPlace
    clock: Clock
    rng: Random
    known: Callable[[], KnownFaults] = lambda: NONE_KNOWN
    """What last good does wrong by itself on the store that serves."""

    async def run(
        self, fleet: Fleet, candidate: Snapshot, last_good: Snapshot
    ) -> tuple[Reason, ...]:
        """Return what failed; nothing where each reads what the other writes.

        `fleet` starts replicas on the copy; they are left for its owner to stop. Raises
        `OstiaryError` where one does not get ready.
        """
        (new,) = await fleet.start(_apart(candidate), [0])
        (old,) = await fleet.start(_apart(last_good), [0])
        try:
            # Accounts of the old one, then of the new one: hashes and rows are read both ways.
            reports = [await self._journeys([new], of=old, beside=old)]
            if reports[0].passed:
                reports.append(await self._journeys([old], of=new))
        except AdminApiError as error:
            return (no_accounts(error),)
        return reasons_of(combine(reports))

    async def _journeys(
        self, tried: Sequence[Replica], *, of: Replica, beside: Replica | None = None
    ) -> JourneyReport:
        """Try replicas with accounts `of` another one, and the matrix with what is `beside`."""
        async with ProbeAdmin(url_of(of), self.place.admin_token, rng=self.rng) as admin:
            last_good = None if beside is None else self._target(beside, None)
            report = await run_rehearsal_journeys(
                [self._target(each, beside) for each in tried],
                admin=admin,
                clock=self.clock,
                rng=self.rng,
                last_good=last_good,
                accounts=_ACCOUNTS,
                leeway_seconds=None,
                known=self.known(),
            )
        return self.known().taken_from(report, {_LAST_GOOD})

    def _target(self, replica: Replica, beside: Replica | None) -> Target:
        name = _LAST_GOOD if beside is None else "candidate on the migrated copy"
        return self.place.replica(replica, name)


def _apart(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot for one replica that nobody but journeys meets: it sends no mail."""
    identity = {**snapshot.settings["identity"], "replicas": 1, "mail_smtp_url": ""}
    return replace(snapshot, settings={**snapshot.settings, "identity": identity})
