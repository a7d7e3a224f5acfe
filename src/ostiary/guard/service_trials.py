"""Trying services with journeys of their own: in rehearsal, pinned through the edge, as a proof.

The journeys stand in `[services.NAME.journeys]`, and so in the snapshot that is tried. They run in
pairs: what fails on last good as well says nothing about the change.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import httpx

from ostiary.changes.events import JourneysRun, ProofRun, Rehearsed
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.own_trials import broken_note
from ostiary.guard.plane import DataPlane
from ostiary.guard.probe_tokens import ProbePerson, probe_person
from ostiary.guard.service_journeys import ServiceJourneys
from ostiary.guard.trial_place import TrialPlace, url_of
from ostiary.guard.trial_reasons import no_accounts, reasons_of
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.runtime.ports import Replica
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyFailure, combine
from ostiary.watch.own_journeys.trying import OwnReport, OwnTools, try_own_journeys
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target

Of = Literal["promotion", "rollback"]


@dataclass(frozen=True, slots=True)
class ServiceTrials:
    """Runs the journeys of the services that a change touches.

    `sign_in` is the proof that people sign in through the edge, which every change ends with.
    `environment` are the variables that inserts may name: those of the guard.
    """

    plane: DataPlane
    read: Callable[[str], Snapshot]
    place: TrialPlace
    sign_in: Callable[[Of], Awaitable[ProofRun]]
    clock: Clock
    rng: Random
    environment: Mapping[str, str] = field(repr=False)

    async def rehearsed(self, snapshot: Snapshot) -> Rehearsed:
        """Walk all journeys at every candidate, off traffic, with last good as the control."""
        try:
            async with self._run() as run:
                found = [
                    await run.at(
                        journeys, self.plane.services.candidates_of(journeys.service), "candidate"
                    )
                    for journeys in self._all(snapshot)
                ]
        except AdminApiError as error:
            return Rehearsed(passed=False, failures=(no_accounts(error),))
        report = _joined(found)
        notes = tuple(broken_note(each) for each in report.broken)
        failures = reasons_of(report.report)
        return Rehearsed(passed=not failures, failures=failures, notes=notes)

    async def pinned(self, snapshot: Snapshot) -> JourneysRun:
        """Walk the journeys for the canary through the edge, with last good as the control.

        A service mints nothing, so nothing of that kind has to be seen before the first share. What
        fails on a request that the edge asks nobody else is seen by users, and so not tolerated.
        """
        try:
            async with self._run() as run:
                found = [
                    await run.through(self.place.canary, journeys.in_canary())
                    for journeys in self._all(snapshot)
                ]
        except AdminApiError as error:
            # Without accounts neither arm can be tried, which says nothing about the canary.
            return JourneysRun(passed=False, failures=(no_accounts(error),), control_passed=False)
        report = _joined(found).report
        services = self._all(snapshot)
        hideable = all(one.hides(each) for each in report.failures for one in services)
        return JourneysRun(
            passed=not report.failures,
            strata_passed=report.strata_passed,
            failures=reasons_of(report),
            control_passed=True,
            hideable=hideable,
            verified=True,
            wrong_here_alone=not hideable,
        )

    async def proof(self, of: Of) -> ProofRun:
        """Walk the journeys of last good as users would, and sign somebody in.

        After a promotion the former replicas are the control for as long as they are there.
        """
        served = self.read(self.plane.last_good)
        signed_in = await self.sign_in(of)
        try:
            async with self._run() as run:
                found = [
                    await run.through(self.place.edge, journeys, of=of)
                    for journeys in self._all(served)
                ]
        except AdminApiError as error:
            return ProofRun(of=of, passed=False, failures=(no_accounts(error),))
        failures = (*signed_in.failures, *reasons_of(_joined(found).report))
        return ProofRun(of=of, passed=signed_in.passed and not failures, failures=failures)

    def _all(self, snapshot: Snapshot) -> list[ServiceJourneys]:
        last_good = self.read(self.plane.last_good)
        changing = self.plane.services.changing
        return [ServiceJourneys.of(snapshot, name, last_good) for name in changing]

    @asynccontextmanager
    async def _run(self) -> AsyncIterator["_Run"]:
        replica = self.plane.stable[0]
        last_good = self.place.replica(replica, "last good")
        admin = partial(ProbeAdmin, url_of(replica), self.place.admin_token, rng=self.rng)
        direct = KeptConnections()
        try:
            async with (
                probe_person(admin, last_good, clock=self.clock, rng=self.rng) as person,
                self.place.edge_transport() as edge,
            ):
                yield _Run(self, person, direct, edge)
        finally:
            await direct.aclose()


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: who signs in, and the connections, directly to replicas and to the edge."""

    trials: ServiceTrials
    person: ProbePerson
    direct: httpx.AsyncBaseTransport
    edge: httpx.AsyncBaseTransport

    async def at(
        self, journeys: ServiceJourneys, replicas: Sequence[Replica], what: str
    ) -> OwnReport:
        """Walk journeys at replicas' own ports."""
        places = [self._place(journeys, each, f"{what} {each.name}") for each in replicas]
        found = await self._tried(journeys, places, of="rollback")
        if journeys.provider is None:
            return found
        members = self.trials.plane.services.members(journeys.service)
        last_good = [self._place(journeys, each, f"last good {each.name}") for each in members]
        clock, rng = self.trials.clock, self.trials.rng
        return _joined([found, await journeys.provider.rehearsed(places, last_good, clock, rng)])

    async def through(
        self, target: Target, journeys: ServiceJourneys, *, of: Of = "rollback"
    ) -> OwnReport:
        """Walk journeys through the edge."""
        place = Place(target, journeys.way(self.edge))
        found = await self._tried(journeys, [place], of=of)
        if journeys.provider is None:
            return found
        control, clock, rng = self._control(journeys, of), self.trials.clock, self.trials.rng
        return _joined([found, await journeys.provider.through(place, control, clock, rng)])

    async def _tried(
        self, journeys: ServiceJourneys, places: Sequence[Place], *, of: Of
    ) -> OwnReport:
        trials, person = self.trials, self.person
        tools = OwnTools(
            person.account, trials.clock, trials.rng, trials.environment, person.access_token
        )
        control = self._control(journeys, of)
        found = await try_own_journeys(journeys.vouching, places, control=control, tools=tools)
        return journeys.told(found)

    def _control(self, journeys: ServiceJourneys, of: Of) -> Place | None:
        """Return a replica of last good beside what is tried; after a promotion a former one."""
        services = self.trials.plane.services
        former = [each for each in services.replaced if each.service == journeys.service]
        others = former if of == "promotion" else services.members(journeys.service)
        return self._place(journeys, others[0], "last good") if others else None

    def _place(self, journeys: ServiceJourneys, replica: Replica, name: str) -> Place:
        target = Target(name, url_of(replica), self.trials.place.issuer)
        return Place(target, journeys.way(self.direct, strips=journeys.strip_prefix))


def _joined(found: Sequence[OwnReport]) -> OwnReport:
    broken: tuple[JourneyFailure, ...] = tuple(each for one in found for each in one.broken)
    return OwnReport(combine([one.report for one in found]), broken)
