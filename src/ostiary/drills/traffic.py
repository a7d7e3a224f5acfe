"""The traffic generator, a process of its own: `python -m ostiary.drills.traffic`.

It shares no interpreter with the guard, so that neither disturbs the other, and it gives up
nothing when the service is slow: users keep coming at the stated rate. SIGTERM ends the arrivals;
those under way finish and are recorded.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from ostiary.drills.applications import RelyingApplication
from ostiary.drills.attackers import Attackers
from ostiary.drills.ledger import LedgerWriter, Run
from ostiary.drills.traffic_plan import TrafficPlan, Visit, read_plan, visits_of
from ostiary.drills.users import SimulatedUser
from ostiary.drills.visits import VisitRunner
from ostiary.kernel.clock import Clock, SystemClock
from ostiary.kernel.errors import ExitCode, NotRunningError, OstiaryError
from ostiary.kernel.ids import Random, SystemRandom
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target

Visitors = Callable[[Visit, float], Coroutine[None, None, None]]
"""Makes a visit that was to begin at a time, in Unix seconds; returns when it has ended."""


async def run_traffic(
    plan: TrafficPlan,
    ledger_path: Path,
    *,
    clock: Clock,
    rng: Random,
    stop: asyncio.Event,
) -> None:
    """Send all users of a plan, or those until `stop` is set, and record what they got.

    Raises `NotRunningError` where the service does not even publish its discovery document, and
    `UsageError` where the ledger cannot be created.
    """
    async with KeptConnections(clock=clock, from_address=plan.from_address) as transport:
        applications = await _open_applications(plan, transport, clock)
        now = _unix_seconds(clock)
        run = Run(now(), plan.rate, plan.seconds, plan.seed, len(plan.people))
        with LedgerWriter(ledger_path, run) as ledger:
            runner = VisitRunner(
                ledger.append, now, timeout_seconds=plan.timeout_seconds, retry=plan.retry
            )
            async with _visitors(plan, applications, runner, clock, rng) as visitors:
                ended_at = await _Generator(plan, visitors, now).send(run.started_at, stop)
            ledger.end(ended_at)


@asynccontextmanager
async def _visitors(
    plan: TrafficPlan,
    applications: Mapping[str | None, RelyingApplication],
    runner: VisitRunner,
    clock: Clock,
    rng: Random,
) -> AsyncIterator[Visitors]:
    """Provide those who come: users, or somebody who guesses their passwords."""
    if plan.attack is None:
        yield _Users(plan, applications, runner, rng).visit
        return
    attackers = Attackers(plan, applications, runner, clock, rng)
    try:
        yield attackers.visit
    finally:
        await attackers.leave()


class _Users:
    """The users of a plan, each with a password of their own."""

    def __init__(
        self,
        plan: TrafficPlan,
        applications: Mapping[str | None, RelyingApplication],
        runner: VisitRunner,
        rng: Random,
    ) -> None:
        self._runner = runner
        self._users = {
            person.name: SimulatedUser(person, applications[person.application], rng)
            for person in plan.people
        }

    async def visit(self, visit: Visit, intended: float) -> None:
        """Have the person of a visit come."""
        await self._runner.run(visit, self._users[visit.person.name], intended)


class _Generator:
    """Starts every visit at its time, whatever became of those before it."""

    def __init__(self, plan: TrafficPlan, visitors: Visitors, now: Callable[[], float]) -> None:
        self._plan = plan
        self._visitors = visitors
        self._now = now

    async def send(self, started_at: float, stop: asyncio.Event) -> float:
        """Start all visits, wait for their ends, and return when the arrivals were over."""
        under_way: set[asyncio.Task[None]] = set()
        for visit in visits_of(self._plan):
            intended = started_at + visit.at
            if await _stopped_before(stop, intended - self._now()):
                break
            if len(under_way) >= self._plan.in_flight_max:
                # Not started and not recorded: the achieved rate falls, and the run is void.
                continue
            task = asyncio.create_task(self._visitors(visit, intended))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        else:
            # The last slot belongs to the run as well, wherever in it the last user came.
            await _stopped_before(stop, started_at + self._plan.seconds - self._now())
        ended_at = self._now()
        await asyncio.gather(*under_way)
        return ended_at


async def _stopped_before(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for a time, or less where the run is to stop; return whether it is."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            return stop.is_set()
    return stop.is_set()


async def _open_applications(
    plan: TrafficPlan, transport: httpx.AsyncBaseTransport, clock: Clock
) -> dict[str | None, RelyingApplication]:
    """Return the plan's applications by client id, that of everybody else under None."""
    target = Target("service", plan.base_url, plan.issuer)
    named = {None: plan.application} | {each.client_id: each for each in plan.others}
    try:
        return {
            name: await RelyingApplication.open(
                each, target, transport, clock=clock, timeout_seconds=plan.timeout_seconds
            )
            for name, each in named.items()
        }
    except StepFailedError as error:
        raise NotRunningError(
            "service_not_ready",
            f"No login service at {plan.base_url}: {error}.",
            hint="Start the service before its users.",
        ) from error


def _unix_seconds(clock: Clock) -> Callable[[], float]:
    """Return Unix seconds that a correction of the wall clock cannot move during a run."""
    offset = clock.now().timestamp() - clock.monotonic()
    return lambda: offset + clock.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the traffic process; return its exit code."""
    parser = argparse.ArgumentParser(prog="ostiary.drills.traffic", description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="plan, JSON, mode 0600")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to create, JSON lines")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_run(read_plan(options.plan), options.ledger))
    except OstiaryError as error:
        print(f"{error.code}: {error}", file=sys.stderr)  # noqa: T201 - the process's own log
        return error.exit_code
    return ExitCode.DONE


async def _run(plan: TrafficPlan, ledger: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_traffic(plan, ledger, clock=SystemClock(), rng=SystemRandom(), stop=stop)


if __name__ == "__main__":
    sys.exit(main())
