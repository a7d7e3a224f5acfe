"""Trying the system out with the guard's own probe accounts: rehearsal, pinned journeys, proof.

Probe accounts are made at a last good replica and deleted when a change has ended; nothing of
them counts as a user.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from ostiary.changes.events import JourneysRun, ProofRun, Rehearsed
from ostiary.changes.terms import Replay
from ostiary.guard.expiry_trial import ExpiryTrial
from ostiary.guard.own_trials import OwnTrials
from ostiary.guard.plane import DataPlane
from ostiary.guard.probe_pool import ProbePool
from ostiary.guard.replaying import run_replay
from ostiary.guard.trial_logs import TrialLogs
from ostiary.guard.trial_place import TrialPlace, url_of
from ostiary.guard.trial_reasons import no_accounts, reasons_of, run_of
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.pinned import run_pinned_journeys, run_quick_journeys
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from ostiary.watch.journeys.report import combine
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
        self._plane, self._place = plane, place
        self._own, self._logs = own, logs
        self._clock = clock
        self._rng = rng
        self._pool = ProbePool(self._admin)
        self._expiry = ExpiryTrial(clock, rng)
        self._unrehearsed = False

    def begin_flip(self) -> None:
        """Begin what a flip does not wait for."""
        self._expiry.begin(self._admin, self._last_good)

    def begin_unrehearsed(self, *, in_haste: bool) -> None:
        """Begin a change that starts later than its rehearsal.

        Before the first user's share its pinned journeys then try whatever a rehearsal would have
        refused and no second opinion can hide. `in_haste` the expiry of a token is not waited for.
        """
        self._unrehearsed = True
        if not in_haste:
            self.begin_flip()

    async def rehearse(
        self, replay: Replay | None = None, *, meanwhile: Meanwhile = None
    ) -> Rehearsed:
        """Run the full set on the candidates, off traffic, and the matrix with last good.

        Then what stopped an earlier change is tried again, where this one claims to mend it, and
        the team's own journeys. `meanwhile` is done while nothing but time has to pass.
        """
        candidates = [
            self._place.replica(each, f"candidate {each.name}") for each in self._plane.canary
        ]
        rehearsed = await self._rehearse(candidates, replay, meanwhile)
        own = await self._own.rehearsed(rehearsed, candidates, self._last_good, self._admin)
        return await self._logs.added_to(own)

    async def _rehearse(
        self, candidates: Sequence[Target], replay: Replay | None, meanwhile: Meanwhile
    ) -> Rehearsed:
        """Run the built-in journeys, and the replay."""
        tried = await self._expiry.goes_on_at(candidates[0], self._place.leeway_seconds)
        try:
            async with self._admin() as admin:
                report = await run_rehearsal_journeys(
                    candidates,
                    admin=admin,
                    clock=self._clock,
                    rng=self._rng,
                    last_good=self._last_good,
                    leeway_seconds=None if tried else self._place.leeway_seconds,
                    meanwhile=meanwhile,
                )
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
        return Rehearsed(passed=report.passed, failures=reasons_of(report))

    async def pinned(self) -> JourneysRun:
        """Run the quick set on the canary through the edge, and on last good beside it."""
        place = self._place
        try:
            accounts = await self._pool.ready()
        except AdminApiError as error:
            # Without accounts neither arm can be tried, which says nothing about the canary.
            return JourneysRun(passed=False, failures=(no_accounts(error),), control_passed=False)
        last_good = self._last_good
        thorough = self._unrehearsed and self._plane.share == 0 and bool(self._plane.canary)
        if thorough:
            await self._try_expiry()
        async with self._admin() as admin, place.edge_transport() as transport:
            canary, control, own = await asyncio.gather(
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
                ),
                run_quick_journeys(
                    [last_good],
                    accounts=accounts[:1],
                    clock=self._clock,
                    rng=self._rng,
                    admin=admin,
                ),
                self._own.pinned(place.canary, transport, last_good, self._admin),
            )
        expiry = self._expiry
        canary = await expiry.end_added_to(canary) if thorough else expiry.added_to(canary)
        return await self._logs.added_to(run_of(combine([canary, own]), control))

    async def _try_expiry(self) -> None:
        """Begin to try it at the canary, however long the leeway: nobody is kept waiting."""
        canary = self._place.replica(self._plane.canary[0], "canary")
        leeway = self._place.leeway_seconds
        await self._expiry.goes_on_at(canary, leeway, leeway_seconds_max=leeway)

    async def proof(self, of: Literal["promotion", "rollback"]) -> ProofRun:
        """Run the quick set through the edge as a user would: no pin, any replica."""
        place = self._place
        try:
            accounts = await self._pool.ready()
        except AdminApiError as error:
            return ProofRun(of=of, passed=False, failures=(no_accounts(error),))
        async with self._admin() as admin, place.edge_transport() as transport:
            report = await run_quick_journeys(
                [place.edge],
                accounts=accounts[:1],
                clock=self._clock,
                rng=self._rng,
                admin=admin,
                transport=transport,
            )
        report = await self._expiry.end_added_to(report) if of == "promotion" else report
        run = ProofRun(of=of, passed=report.passed, failures=reasons_of(report))
        return await self._logs.added_to(run)

    async def clean_up(self) -> None:
        """Delete the accounts; those that cannot be deleted now are swept at the next start."""
        accounts = self._pool.take_all()
        expiry, self._expiry = self._expiry, ExpiryTrial(self._clock, self._rng)
        self._unrehearsed = False
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
        return self._place.replica(self._plane.stable[0], "last good")

    def _admin(self) -> ProbeAdmin:
        replica = self._plane.stable[0]
        return ProbeAdmin(url_of(replica), self._place.admin_token, rng=self._rng)
