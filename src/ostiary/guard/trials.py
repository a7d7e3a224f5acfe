"""Trying the system out with the guard's own probe accounts: rehearsal, pinned journeys, proof.

Probe accounts are made at a last good replica and deleted when a change has ended; nothing of
them counts as a user.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

from ostiary.changes.events import JourneysRun, ProofRun, Rehearsed
from ostiary.changes.model import Stage
from ostiary.changes.terms import Replay
from ostiary.guard.cores import at_once_beside_users
from ostiary.guard.expiry_trial import ExpiryTrial
from ostiary.guard.last_good_faults import LastGoodFaults
from ostiary.guard.own_trials import OwnTrials
from ostiary.guard.plane import DataPlane
from ostiary.guard.probe_pool import ProbePool
from ostiary.guard.replaying import run_replay
from ostiary.guard.trial_logs import TrialLogs
from ostiary.guard.trial_place import TrialPlace, url_of
from ostiary.guard.trial_reasons import no_accounts, reasons_of, rehearsed_of, run_of
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.pinned import run_pinned_journeys, run_quick_journeys
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from ostiary.watch.journeys.report import combine
from ostiary.watch.journeys.running import AT_ONCE
from ostiary.watch.relying_party.target import Target

Meanwhile = Callable[[], Awaitable[None]] | None


class Trials:
    """Runs journeys for one change at a time, with accounts that live as long as the change."""

    def __init__(
        self,
        plane: DataPlane,
        place: TrialPlace,
        own: OwnTrials,
        logs: TrialLogs,
        *,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._plane, self.place = plane, place
        self._own, self._logs, self._clock, self._rng = own, logs, clock, rng
        self._at_once = min(AT_ONCE, at_once_beside_users())
        self._quick = partial(run_quick_journeys, clock=clock, rng=rng, at_once=self._at_once)
        self._pool = ProbePool(self._admin)
        self._expiry = ExpiryTrial(clock, rng)
        self.faults = LastGoodFaults(self._pool, lambda: self._last_good, clock, rng)
        self._unrehearsed = False

    def begin(self, stage: Stage, *, flips: bool, in_haste: bool) -> None:
        """Begin what a change does not wait for, while last good alone has touched anything.

        Where its first `stage` is later than the rehearsal, its pinned journeys try, before the
        first user's share, whatever a rehearsal would have refused and no second opinion can hide.
        `in_haste` the expiry of a token is not waited for.
        """
        self.place = self.place.from_elsewhere()
        self.faults.begin()
        self._unrehearsed = stage not in (Stage.CHECK, Stage.REHEARSE)
        if not in_haste if self._unrehearsed else flips:
            self._expiry.begin(self._admin, self._last_good)

    async def rehearse(
        self, replay: Replay | None = None, *, meanwhile: Meanwhile = None
    ) -> Rehearsed:
        """Run the full set on the candidates, off traffic, and the matrix with last good.

        Then what stopped an earlier change is tried again, where this one claims to mend it, and
        the team's own journeys. `meanwhile` is done while nothing but time has to pass.
        """
        candidates = [
            self.place.replica(each, f"candidate {each.name}") for each in self._plane.canary
        ]
        rehearsed = await self._rehearse(candidates, replay, meanwhile)
        own = await self._own.rehearsed(rehearsed, candidates, self._last_good, self._admin)
        return await self._logs.added_to(own)

    async def _rehearse(
        self, candidates: Sequence[Target], replay: Replay | None, meanwhile: Meanwhile
    ) -> Rehearsed:
        """Run the built-in journeys, and the replay."""
        tried = await self._expiry.goes_on_at(candidates[0], self.place.leeway_seconds)
        try:
            async with self._admin() as admin:
                report = await run_rehearsal_journeys(
                    candidates,
                    admin=admin,
                    clock=self._clock,
                    rng=self._rng,
                    last_good=self._last_good,
                    leeway_seconds=None if tried else self.place.leeway_seconds,
                    known=self.faults.known,
                    meanwhile=meanwhile,
                )
            report = combine([report, await self._logs.background()])
            if replay is not None and report.passed:
                return await run_replay(
                    replay,
                    candidates,
                    await self._pool.ready(),
                    admin=self._admin,
                    clock=self._clock,
                    rng=self._rng,
                )
        except AdminApiError as error:
            return Rehearsed(passed=False, failures=(no_accounts(error),))
        return rehearsed_of(report)

    async def pinned(self) -> JourneysRun:
        """Run the quick set on the canary through the edge, and on last good beside it."""
        place, last_good = self.place, self._last_good
        try:
            accounts = await self._pool.ready()
        except AdminApiError as error:
            # Without accounts neither arm can be tried, which says nothing about the canary.
            return JourneysRun(passed=False, failures=(no_accounts(error),), control_passed=False)
        thorough = self._unrehearsed and self._plane.share == 0 and bool(self._plane.canary)
        expiry = self._expiry
        if thorough:
            itself = place.replica(self._plane.canary[0], "canary")
            await expiry.goes_on_at(itself, place.leeway_seconds, however_long=True)
        async with self._admin() as admin, place.edge_transport() as transport:
            canary, control, own, work = await asyncio.gather(
                run_pinned_journeys(
                    place.edge_url,
                    place.pin_token,
                    issuer=place.issuer,
                    accounts=self._pool.chosen(accounts[1:], before_users=self._plane.share == 0),
                    clock=self._clock,
                    rng=self._rng,
                    last_good=last_good,
                    admin=admin,
                    transport=transport,
                    all_refusals=thorough,
                    known=self.faults.known,
                    at_once=self._at_once,
                ),
                self._quick([last_good], accounts=accounts[:1], admin=admin),
                self._own.pinned(place.canary, transport, last_good, self._admin),
                self._logs.background(),
            )
        control = self.faults.known.taken_from(control, {last_good.name})
        canary = await expiry.end_added_to(canary) if thorough else expiry.added_to(canary)
        return await self._logs.added_to(run_of(combine([canary, own, work]), control))

    async def proof(self, of: Literal["promotion", "rollback"]) -> ProofRun:
        """Run the quick set through the edge as a user would: no pin, any replica."""
        place = self.place
        try:
            accounts = await self._pool.ready()
        except AdminApiError as error:
            return ProofRun(of=of, passed=False, failures=(no_accounts(error),))
        async with self._admin() as admin, place.edge_transport() as transport:
            report = await self._quick(
                [place.edge], accounts=accounts[:1], admin=admin, transport=transport
            )
        report = await self._expiry.end_added_to(report) if of == "promotion" else report
        run = ProofRun(of=of, passed=report.passed, failures=reasons_of(report))
        return await self._logs.added_to(run)

    async def clean_up(self) -> None:
        """Delete the accounts; those that cannot be deleted now are swept at the next start."""
        await self.faults.forget()
        accounts = self._pool.take_all()
        expiry, self._expiry = self._expiry, ExpiryTrial(self._clock, self._rng)
        try:
            async with self._admin() as admin:
                await expiry.forget(admin)
                for account in accounts:
                    await admin.delete(account)
        except AdminApiError:
            return

    async def sweep(self) -> None:
        """Delete probe accounts that an earlier guard left behind."""
        await self._pool.sweep()

    @property
    def _last_good(self) -> Target:
        return self.place.replica(self._plane.stable[0], "last good")

    def _admin(self) -> ProbeAdmin:
        return ProbeAdmin(url_of(self._plane.stable[0]), self.place.admin_token, rng=self._rng)
