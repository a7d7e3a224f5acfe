"""Faults of a database server: away, paused, slow, or with no connection left."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from ostiary.drills.injection.effect import not_injectable, wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.postgres_server import ROLE, PostgresServer
from ostiary.drills.injection.surroundings import Server
from ostiary.drills.scenarios.environment_kinds import DatabaseStopped, PoolExhausted

_WAIT_SECONDS_MAX: Final = 20.0


def server_of(place: InjectionPlace) -> Server:
    """Return the database server; raises `FaultNotInjectableError` where there is none."""
    if place.surroundings.server is None:
        raise not_injectable(
            "The database of this drill is no server.",
            hint='Write `database = "postgresql"` in `[topology]`.',
        )
    return place.surroundings.server


@contextmanager
def database_stopped(place: InjectionPlace, fault: DatabaseStopped) -> Iterator[None]:
    """Stop the server and start it again, or let it stand still meanwhile."""
    server = server_of(place).postgres
    with _paused(server) if fault.paused else _down(server):
        wait_until(
            lambda: not server.runs(), place.clock, _WAIT_SECONDS_MAX, "the server still answers"
        )
        yield
    wait_until(server.runs, place.clock, _WAIT_SECONDS_MAX, "the server does not come back")


@contextmanager
def _down(server: PostgresServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def _paused(server: PostgresServer) -> Iterator[None]:
    first = int((server.data / "postmaster.pid").read_text().split()[0])
    still = [first]
    try:
        # The first process starts no others once it stands still, so what is found then is all.
        _send(first, signal.SIGSTOP)
        for pid in _children(first):
            still.append(pid)
            _send(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in reversed(still):
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


@contextmanager
def pool_exhausted(place: InjectionPlace, fault: PoolExhausted) -> Iterator[None]:
    """Take all connections that the server grants, those of the replicas among them."""
    server = server_of(place).postgres
    with server.connect() as owner, ExitStack() as held:
        pids: list[int] = []

        def has_all() -> bool:
            for connection in _granted(server, fault.connections - len(pids)):
                held.enter_context(connection)
                pids.append(connection.info.backend_pid)
            _end_all_but(owner, pids)
            return len(pids) == fault.connections

        try:
            _limit(owner, fault.connections)
            wait_until(has_all, place.clock, _WAIT_SECONDS_MAX, "the replicas keep connections")
            yield
        finally:
            held.close()
            _limit(owner, -1)


def _granted(server: PostgresServer, count: int) -> Iterator["psycopg.Connection[Any]"]:
    """Yield as many connections of the service's role as there are, up to `count`."""
    for _ in range(count):
        try:
            yield server.connect(ROLE)
        except psycopg.OperationalError:
            return


def _end_all_but(owner: "psycopg.Connection[Any]", pids: list[int]) -> None:
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = %s AND pid <> ALL(%s)",
        [ROLE, pids],
    )


def _limit(owner: "psycopg.Connection[Any]", connections: int) -> None:
    """Let the server grant so many connections to the service; -1 is as many as there are."""
    statement = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    owner.execute(statement.format(sql.Identifier(ROLE), sql.Literal(connections)))
