"""The databases of a run, and what can be done to them from outside.

PostgreSQL is a server of the run's own, which can be killed and paused with everything it has
started. SQLite has no process: another connection that holds the write lock is its only fault.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ostiary.kernel import processes
from tests import postgres
from tests.matrix.moments import wait_until

_START_SECONDS_MAX = 60.0
_END_SECONDS_MAX = 30.0


@dataclass(slots=True)
class PostgresDatabase:
    """A server that listens on a Unix socket in `directory`, which is also its data directory.

    With a port it also listens on loopback, and its URL leads there.
    """

    directory: Path
    program: Path
    port: int | None = None
    server: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of its database."""
        if self.port is not None:
            return f"postgresql+psycopg://{postgres.USER}@127.0.0.1:{self.port}/postgres"
        return f"postgresql+psycopg://{postgres.USER}@/postgres?host={self.directory}"

    @property
    def _listening(self) -> tuple[str, ...]:
        if self.port is None:
            return ("-c", "listen_addresses=")
        return ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}")

    async def start(self) -> None:
        """Start the server; return when it takes connections."""
        server = self._spawn()
        async with asyncio.timeout(_START_SECONDS_MAX):
            await wait_until(lambda: self._answers_or_ended(server))

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with (self.directory / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                [
                    *(str(self.program), "-D", str(self.directory), "-k", str(self.directory)),
                    *self._listening,
                    *("-c", "fsync=off"),
                ],
                user="nobody" if os.geteuid() == 0 else None,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.server

    async def kill(self) -> None:
        """End server and backends at once, as a machine's death would."""
        self._signal_all(signal.SIGKILL)
        await self._ended()

    async def stop(self) -> None:
        """End it in an orderly way without waiting for clients (a "fast" shutdown)."""
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
        await self._ended()

    def pause(self) -> None:
        """Stop server and backends where they stand; sockets stay open and nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        if self.server is None or self.server.poll() is not None:
            return
        # The server first, so that it starts no backend between the list and the signals.
        self.server.send_signal(number)
        for pid in _children(self.server.pid):
            record = processes.identify(pid)
            if record is not None:
                processes.send_signal(record, number)

    async def _ended(self) -> None:
        """Return when no process is left: a new server refuses the shared memory of the old one."""
        if self.server is None:
            return
        server = self.server
        async with asyncio.timeout(_END_SECONDS_MAX):
            await wait_until(
                lambda: server.poll() is not None and not _open_elsewhere(self.directory)
            )
        self.server = None

    def _answers_or_ended(self, server: "subprocess.Popen[bytes]") -> bool:
        if server.poll() is not None:
            raise RuntimeError((self.directory / "server.log").read_text()[-2000:])
        return self._answers()

    def _answers(self) -> bool:
        address = self.url.replace("+psycopg", "")
        try:
            with psycopg.connect(address, connect_timeout=3) as connection:
                connection.execute(b"SELECT 1")
        except psycopg.Error:
            return False
        return True


@contextmanager
def postgres_database(*, port: int | None = None) -> Iterator[PostgresDatabase]:
    """Make a cluster below a directory of its own; stop the server and delete it at the end."""
    scratch = Path(tempfile.mkdtemp(prefix="ostiary-matrix-"))
    scratch.chmod(0o755)
    try:
        directory = scratch / "data"
        directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody")
        binaries = postgres.package_programs(scratch)
        postgres.run_program(
            binaries / "initdb",
            *("-D", str(directory), "-U", postgres.USER, "--auth=trust", "--encoding=UTF8"),
            *("--no-sync", "--locale=C"),
            log=scratch / "commands.log",
        )
        database = PostgresDatabase(directory, binaries / "postgres", port)
        try:
            yield database
        finally:
            database.resume()
            database._signal_all(signal.SIGKILL)
            if database.server is not None:
                database.server.wait()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """A file that another connection can lock."""

    file: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock until the block ends. Raises `sqlite3.Error` where it is not got."""
        with closing(sqlite3.connect(self.file, isolation_level=None, timeout=5.0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")


def _children(parent: int) -> list[int]:
    """Return the processes that this one has started itself."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


def _open_elsewhere(directory: Path) -> bool:
    """Return whether a process still works in the server's directory."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == directory:
                    return True
            except OSError:
                continue
    return False
