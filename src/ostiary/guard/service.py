"""The guard itself: how it starts on what it finds, keeps the plane up, and stops.

It can start at any point of an earlier guard's life: it reads the journal, adopts what runs,
routes users to the last good snapshot, and only then puts an unfinished change away.
"""

import asyncio
import os
from typing import Any

from ostiary.guard import history as events
from ostiary.guard.baseline import Served
from ostiary.guard.certificate_watch import described, watching
from ostiary.guard.parts import GuardParts
from ostiary.guard.seats import restarts, seated
from ostiary.guard.specs import replicas_of
from ostiary.guard.status_report import report_status
from ostiary.kernel.errors import UsageError
from ostiary.runtime.ports import IDENTITY, Replica


class Guard:
    """Keeps one data directory's system up, and conducts its changes."""

    def __init__(self, parts: GuardParts) -> None:
        self._parts = parts
        self._stopping = asyncio.Event()
        self.stops_everything = False

    async def start(self) -> None:
        """Bring everything up, or adopt what runs; return when users are served.

        Raises `OstiaryError` when a replica or the edge cannot be started.
        """
        parts = self._parts
        found = events.read(parts.journal.entries())
        served = await parts.baseline.find(found)
        adopted = parts.fleet.adopt()
        identity = [replica for replica in adopted if replica.service == IDENTITY]
        stable = [replica for replica in identity if replica.snapshot == served.replicas.id]
        strays = [replica for replica in identity if replica.snapshot != served.replicas.id]
        if adopted and parts.launch_differs:
            raise UsageError(
                "still_running_elsewhere",
                "Replicas of an earlier start still run, with another port or database.",
                hint="Stop them with `ostiary down` first.",
            )
        # First of all: what an earlier guard tried may hold a lock that everybody waits for.
        await parts.store.clean_up()
        others = [replica for replica in adopted if replica.service != IDENTITY]
        useless = parts.services.take_over(served.snapshot, others)
        await self._bring_all_up(served, stable)
        parts.options.record()
        await self._put_away(found, strays, useless)
        await parts.upkeep.drift.look()
        parts.journal.append(
            events.GUARD_STARTED,
            None,
            {"epoch": parts.epoch, "pid": os.getpid(), "port": parts.port},
        )

    async def _bring_all_up(self, served: Served, stable: list[Replica]) -> None:
        """Bring identity and the services beside it up; a new service that fails is said at once.

        Where an earlier guard's replicas serve, the supervisor fills the groups of services too.
        """
        parts = self._parts
        if stable or not parts.plane.services.names:
            return await self._bring_up(served, stable)
        strictly = served.has_new_services
        try:
            outcomes = await asyncio.gather(
                self._bring_up(served, stable),
                parts.services.start(served.snapshot, strictly=strictly),
                return_exceptions=True,
            )
            _raise_first(*outcomes)
            await parts.plane.refresh()
        except BaseException as error:
            if strictly:
                parts.baseline.give_up(served, f"it could not be started: {error}"[:500])
            await parts.plane.stop()
            await parts.fleet.stop(parts.fleet.adopt(), routed=False)
            raise

    async def _bring_up(self, served: Served, found: list[Replica]) -> None:
        """Bring the edge up, and replicas at the same time where none is left.

        Where one of an earlier guard's serves, nothing waits for others: the supervisor fills the
        empty seats as soon as it looks.
        """
        fleet, plane = self._parts.fleet, self._parts.plane
        count = replicas_of(served.replicas)
        stable = seated(found, count)
        try:
            launched = [] if stable else await fleet.launch(served.replicas, range(count))
            edge, replicas = await asyncio.gather(
                plane.start(served.snapshot.id, served.replicas.id, [*stable, *launched]),
                fleet.wait_ready(launched),
                return_exceptions=True,
            )
            _raise_first(replicas, edge)
        except BaseException:
            if not stable:
                await plane.stop()
                await fleet.stop(fleet.adopt(), routed=False)
            raise

    async def _put_away(
        self, found: events.History, strays: list[Replica], others: list[Replica]
    ) -> None:
        """Hand what an unfinished change left behind to the controller; stop everything else.

        `others` are replicas of other services that none of them has in what is served.
        """
        parts = self._parts
        await parts.trials.sweep()
        unfinished = found.unfinished[-1] if found.unfinished else None
        ours: list[Replica] = []
        if unfinished is not None:
            other = {unfinished.snapshot, unfinished.from_snapshot}
            ours = [replica for replica in (*strays, *others) if replica.snapshot in other]
            parts.services.hold(ours, replaced=unfinished.is_promoted)
            parts.conductor.take_over(unfinished)
        await parts.fleet.stop([one for one in (*strays, *others) if one not in ours])

    async def run(self) -> None:
        """Watch and supervise until `stop` or `shut_down` is called."""
        tasks = (
            asyncio.create_task(self._parts.supervisor.run(), name="supervise"),
            asyncio.create_task(self._parts.conductor.run(), name="watch"),
            asyncio.create_task(self._until_stopped(), name="stop"),
            asyncio.create_task(self._parts.load.run(), name="load"),
            asyncio.create_task(self._parts.shares.run(), name="shares"),
            asyncio.create_task(watching(self._parts.certificates), name="certificate"),
            asyncio.create_task(self._parts.upkeep.run(), name="upkeep"),
            asyncio.create_task(self._parts.revocations.run(), name="revocations"),
        )
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _until_stopped(self) -> None:
        await self._stopping.wait()

    async def let_go(self) -> None:
        """Give the connections to the edge back; replicas and edge go on serving."""
        await self._parts.conductor.abandon()
        await self._parts.plane.detach()

    def stop(self) -> None:
        """End `run`; replicas and edge go on serving."""
        self._stopping.set()

    def shut_down(self) -> None:
        """End `run`, and with it everything that is served."""
        self.stops_everything = True
        self._stopping.set()

    async def stop_everything(self) -> None:
        """Stop edge and replicas in an orderly way, the edge first so that nobody is refused."""
        plane = self._parts.plane
        await self._parts.conductor.abandon()
        await plane.stop()
        members = [*plane.stable, *plane.canary, *plane.replaced, *plane.services.everybody()]
        await self._parts.fleet.stop(members, routed=False)
        # Replicas that were being started when the end came are in no group yet.
        await self._parts.fleet.stop(self._parts.fleet.adopt(), routed=False)

    def status(self) -> dict[str, Any]:
        """Return the state of the whole system, as the command line prints it."""
        parts = self._parts
        status = report_status(parts.plane, parts.issuer, parts.conductor.brief(), parts.load)
        status |= {"listen": parts.listen_url, "certificate": described(parts.certificates)}
        status |= {"balance": parts.shares.report()}
        keeper = parts.supervisor.replicas
        status["replicas"] = [keeper.told(row) for row in status["replicas"]]
        vacant = [restarts(seat) for seat in keeper.vacant(parts.plane.serving)]
        for service in parts.plane.services.names:
            vacant += [{"service": service} | restarts(seat) for seat in keeper.vacant_of(service)]
        drift = [each.to_json() for each in parts.upkeep.drift.found]
        owed = parts.revocations.report()
        return status | {"replicas_missing": vacant, "drift": drift, "revocations": owed}


def _raise_first(*outcomes: BaseException | None) -> None:
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
