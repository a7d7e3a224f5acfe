"""Doing to processes what the schedule says, and undoing what does not undo itself."""

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from ostiary.kernel import processes
from ostiary.kernel.processes import ProcessRecord
from tests.matrix.cluster import Cluster
from tests.matrix.database import PostgresDatabase, SqliteDatabase
from tests.matrix.moments import Now, Span, wait_until
from tests.matrix.planning import Action, Fault, Target

DATABASE_SETTLED_SECONDS = 5.0
"""So long after the database is back, connections to it may still have to be made anew."""

_SIGNALS = {
    Action.KILL: signal.SIGKILL,
    Action.PAUSE: signal.SIGSTOP,
    Action.RESTART: signal.SIGTERM,
}


@dataclass(slots=True)
class Injector:
    """Carries out a schedule on a cluster and its database; `done` says what really happened."""

    cluster: Cluster
    database: PostgresDatabase | SqliteDatabase
    now: Now
    tell: Callable[[str], None]
    done: list[tuple[Fault, Span]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    database_away: list[Span] = field(default_factory=list)
    database_locked: list[Span] = field(default_factory=list)
    _locks: dict[Target, asyncio.Lock] = field(default_factory=dict)

    async def run(self, faults: tuple[Fault, ...], started_at: float) -> None:
        """Return when all faults are over. Those of one target wait for each other."""
        self._locks = {target: asyncio.Lock() for target in Target}
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(self._carry_out(fault, started_at + fault.at))

    async def _carry_out(self, fault: Fault, due: float) -> None:
        await asyncio.sleep(max(due - self.now(), 0))
        async with self._locks[fault.target]:
            began = self.now()
            self.tell(str(fault))
            if fault.target is Target.DATABASE:
                await self._harm_database(fault, began)
            else:
                await self._harm_process(fault)
            self.done.append((fault, Span(began, self.now())))

    async def _harm_process(self, fault: Fault) -> None:
        record = self._process(fault.target)
        if record is not None and fault.action is Action.RESTART:
            self.cluster.told_to_end.add(record)
        if record is None or not processes.send_signal(record, _SIGNALS[fault.action]):
            self.tell(f"{fault.number:>3}  there is no {fault.target} at this moment")
            return
        if fault.action is Action.PAUSE:
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                processes.send_signal(record, signal.SIGCONT)
        elif fault.target is Target.GUARD and fault.action is Action.RESTART:
            await asyncio.sleep(fault.seconds)
            await self._start_guard(record)

    async def _start_guard(self, old: ProcessRecord) -> None:
        """Start the next guard, as an operator who has updated Ostiary would."""
        await wait_until(lambda: not processes.is_alive(old))
        up = await self.cluster.up()
        # A guard that was ended while it started is started again by its keeper all the same.
        if up.returncode != 0 and self.cluster.guard() is None:
            self.problems.append(f"`ostiary up` after the guard's end: {up.stdout}{up.stderr}")

    async def _harm_database(self, fault: Fault, began: float) -> None:
        spans = self.database_away
        try:
            if isinstance(self.database, SqliteDatabase):
                spans = self.database_locked
                await self._lock(self.database, fault.seconds)
            elif fault.action is Action.PAUSE:
                await self._pause(self.database, fault.seconds)
            else:
                await self._take_away(self.database, fault)
        finally:
            spans.append(Span(began, self.now() + DATABASE_SETTLED_SECONDS))

    async def _lock(self, database: SqliteDatabase, seconds: float) -> None:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(database.locked())
            except sqlite3.OperationalError as error:
                self.tell(f"     the lock was not got: {error}")
                return
            await asyncio.sleep(seconds)

    async def _pause(self, database: PostgresDatabase, seconds: float) -> None:
        database.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            database.resume()

    async def _take_away(self, database: PostgresDatabase, fault: Fault) -> None:
        await (database.kill() if fault.action is Action.KILL else database.stop())
        await asyncio.sleep(fault.seconds)
        await database.start()

    def _process(self, target: Target) -> ProcessRecord | None:
        kind, _, number = target.partition("-")
        if kind == "guard":
            return self.cluster.guard()
        if kind == "envoy":
            return self.cluster.envoy(int(number))
        replicas = self.cluster.replicas()
        return replicas[int(number)].process if int(number) < len(replicas) else None
