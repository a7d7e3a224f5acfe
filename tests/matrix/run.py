"""One run: a system of its own, users, the schedule, and the verdict on every promise."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ostiary.drills.applications import RelyingApplication
from ostiary.drills.ledger import LedgerWriter, Run
from ostiary.drills.population import create_application, create_people
from ostiary.drills.traffic_plan import Person, invent_people
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import SystemRandom
from ostiary.watch.relying_party.target import Target
from tests.matrix import remains
from tests.matrix.acknowledged import Acknowledged
from tests.matrix.cluster import Cluster
from tests.matrix.database import PostgresDatabase, SqliteDatabase, postgres_database
from tests.matrix.faults import Injector
from tests.matrix.moments import Now, now_of
from tests.matrix.planning import Plan, Store
from tests.matrix.promises import Broken, check_entries, check_exchanges
from tests.matrix.records import Recorder
from tests.matrix.settling import Settling
from tests.matrix.summary import summarize
from tests.matrix.traffic import Traffic
from tests.matrix.visitors import Visitors
from tests.matrix.watching import Watcher
from tests.matrix.wire import RecordedConnections

PEOPLE = 10
WIRE_SECONDS_MAX = 25.0
"""So long a user waits for one answer: longer than any fault that hides it."""

_EXCUSED_SHOWN = 5
_PROPOSE_AGAIN_SECONDS = 0.5
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """How a run went. `started_at` is when its traffic began, Unix seconds."""

    plan: Plan
    started_at: float
    broken: list[Broken]
    summary: list[str]


async def run_plan(plan: Plan, directory: Path, *, rate: float, tell: Tell) -> Report:
    """Run a plan in an empty directory, which keeps all logs. Everything is stopped at the end."""
    with _database(plan, directory) as database:
        url = None
        if isinstance(database, PostgresDatabase):
            await database.start()
            url = database.url
        cluster = Cluster(directory / "data", url)
        try:
            up = await cluster.up()
            if up.returncode != 0:
                raise RuntimeError(f"`ostiary up` failed: {up.stdout}{up.stderr}")
            report = await _Scene(plan, cluster, database, rate, tell).play()
        finally:
            down = await cluster.down()
        broken = [*report.broken, *remains.check_nothing_left(cluster)]
        if down.returncode != 0:
            broken.append(Broken("no process left behind", f"`ostiary down`: {down.stderr}", 0.0))
        broken += remains.check_journal(cluster.data) + remains.check_logs(cluster.data)
        return Report(plan, report.started_at, broken, report.summary)


@contextmanager
def _database(plan: Plan, directory: Path) -> Iterator[PostgresDatabase | SqliteDatabase]:
    if plan.store is Store.SQLITE:
        yield SqliteDatabase(directory / "data" / "identity.db")
        return
    with postgres_database() as database:
        yield database


@dataclass(slots=True)
class _Scene:
    """A running system, and what happens to it."""

    plan: Plan
    cluster: Cluster
    database: PostgresDatabase | SqliteDatabase
    rate: float
    tell: Tell

    async def play(self) -> Report:
        clock = SystemClock()
        now = now_of(clock)
        people = invent_people(PEOPLE + 1, SystemRandom(), domain="matrix.invalid")
        await self.cluster.ask(lambda client: create_people(client, people))
        await self.cluster.status()
        transport = RecordedConnections(clock, now)
        watcher = Watcher(self.cluster, now)
        injector = Injector(self.cluster, self.database, now, self.tell)
        async with transport, _watching(watcher):
            visitors = await self._visitors(transport, now)
            with visitors.recorder.ledger:
                started_at = now()
                change = await self._disturb(visitors, injector, people, now)
                settling = Settling(self.cluster, visitors, people[0], now)
                broken = await settling.recover()
                broken += await settling.end_of_change(change)
                broken += await settling.recover() if change else []
                await settling.ask_for_everything()
                broken += await self._orphans()
        outages = watcher.outages(injector.database_away, injector.database_locked)
        entries = visitors.recorder.entries
        broken += [Broken("faults are carried out", text, now()) for text in injector.problems]
        harmed = check_entries(entries, outages, watcher.guard_away())
        anyhow = check_entries(entries, replace(outages, starved=[]), watcher.guard_away())
        broken += harmed
        broken += check_exchanges(transport.exchanges, outages)
        summary = [
            f"recovered {settling.seconds:.1f} s after the last fault; change: {settling.verdict}",
            *summarize(entries, transport.exchanges, outages, watcher),
            f"excused by a busy machine alone: {len(anyhow) - len(harmed)}",
            *(f"  at {one.at - started_at:.1f} s: {one.text}" for one in anyhow[:_EXCUSED_SHOWN]),
            f"kept: {visitors.known.summary()}",
        ]
        return Report(self.plan, started_at, broken, summary)

    async def _visitors(self, transport: RecordedConnections, now: Now) -> Visitors:
        issuer = self.cluster.issuer
        registered = await self.cluster.ask(lambda client: create_application(client, issuer))
        application = await RelyingApplication.open(
            registered,
            Target("edge", issuer, issuer),
            transport,
            clock=transport.clock,
            timeout_seconds=WIRE_SECONDS_MAX,
        )
        path = self.cluster.data.with_name("ledger.jsonl")
        run = Run(now(), self.rate, self.plan.seconds, self.plan.seed, PEOPLE)
        recorder = Recorder(LedgerWriter(path, run), now)
        return Visitors(self.cluster, application, recorder, Acknowledged(), SystemRandom())

    async def _disturb(
        self, visitors: Visitors, injector: Injector, people: list[Person], now: Now
    ) -> str | None:
        """Send users while faults happen; return the change that was proposed, if one was."""
        over, began = asyncio.Event(), now()
        traffic = Traffic(visitors, people[:-1], people[-1], self.rate, self.plan.seed, now)
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.run(over))
            proposing = group.create_task(self._propose(over))
            await asyncio.gather(
                injector.run(self.plan.faults, began), asyncio.sleep(self.plan.seconds)
            )
            over.set()
        if traffic.unserved:
            self.tell(f"{traffic.unserved} users were not let in: too many were waiting")
        return proposing.result()

    async def _propose(self, over: asyncio.Event) -> str | None:
        """Propose a harmless change at its time, as soon as there is a guard to take it."""
        if self.plan.change_at is None:
            return None
        await asyncio.sleep(self.plan.change_at)
        body = {"config": str(self.cluster.changed_settings)}
        while not over.is_set():
            with contextlib.suppress(OstiaryError):
                value = await self.cluster.ask(lambda client: client.post("/changes", body))
                self.tell(f"     change {value['change']} is proposed")
                return str(value["change"])
            await asyncio.sleep(_PROPOSE_AGAIN_SECONDS)
        return None

    async def _orphans(self) -> list[Broken]:
        status = await self.cluster.status()
        known = {replica["pid"] for replica in status["replicas"]}
        return remains.check_processes_while_up(self.cluster, known)


@asynccontextmanager
async def _watching(watcher: Watcher) -> AsyncIterator[None]:
    task = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
