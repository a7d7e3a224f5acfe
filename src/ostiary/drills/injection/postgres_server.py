"""A PostgreSQL server of a drill's own, on a Unix socket, that can be stopped and started again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from ostiary.drills.injection.postgres_binaries import find_binaries, readable_binaries
from ostiary.kernel.errors import OstiaryError

OWNER: Final = "drill"
"""Who may do everything; the drill connects as this one."""

ROLE: Final = "ostiary"
DATABASE: Final = "identity"
SOCKET: Final = ".s.PGSQL.5432"
_NOBODY: Final = "nobody"
_SECONDS_MAX: Final = 60
_CONNECT_SECONDS_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server; `data` holds its files and its socket, and `log` what its programs said.

    PostgreSQL does not run as root. For root its programs therefore run as the user `nobody`.
    """

    binaries: Path
    data: Path
    log: Path

    @property
    def socket(self) -> Path:
        """Return the socket on which it listens."""
        return self.data / SOCKET

    def url(self, directory: Path | None = None) -> str:
        """Return the address of the store's database, by the socket in another directory if any."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={directory or self.data}"

    def connect(self, role: str = OWNER) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect to the store's database; raises `psycopg.OperationalError` while it is away."""
        return psycopg.connect(
            f"postgresql://{role}@/{DATABASE}?host={self.data}",
            autocommit=True,
            connect_timeout=_CONNECT_SECONDS_MAX,
        )

    def start(self) -> None:
        """Start it, and return when it takes connections. Raises `OstiaryError`."""
        options = f"-c listen_addresses='' -c fsync=off -k {self.data}"
        log = str(self.data / "server.log")
        self._control("-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would. Raises `OstiaryError`."""
        self._control("-w", "-m", "immediate", "stop")

    def runs(self) -> bool:
        """Return whether it takes connections."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self) -> None:
        """Make its files, for the first start. Raises `OstiaryError`."""
        usual = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._run("initdb", "-D", str(self.data), "-U", OWNER, *usual)

    def create_database(self) -> None:
        """Create the role and the empty database of the store."""
        with psycopg.connect(
            f"postgresql://{OWNER}@/postgres?host={self.data}", autocommit=True
        ) as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}".encode())

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-t", str(_SECONDS_MAX), *arguments)

    def _run(self, name: str, *arguments: str) -> None:
        """Run one of its programs, never as root."""
        # A pipe would stay open in the server that pg_ctl leaves behind, so the output is a file.
        with self.log.open("ab") as output:
            try:
                ended = subprocess.run(
                    [str(self.binaries / name), *arguments],
                    user=_NOBODY if os.geteuid() == 0 else None,
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    check=False,
                    timeout=2 * _SECONDS_MAX,
                )
            except (OSError, subprocess.TimeoutExpired) as problem:
                raise _failed(name, str(problem)) from problem
        if ended.returncode != 0:
            raise _failed(name, self.log.read_text(errors="replace").strip()[-500:])


def _failed(name: str, said: str) -> OstiaryError:
    return OstiaryError("postgresql_failed", f"PostgreSQL's {name} failed: {said}")


@contextmanager
def postgres_server(path: str | None = None) -> Iterator[PostgresServer]:
    """Start a server with an empty database; stop and delete it when the block ends.

    Raises `FaultNotInjectableError` where there is no PostgreSQL, `OstiaryError` where it does not
    start.
    """
    found = find_binaries(path)
    # Not below the drill's own directory, which nobody else may enter.
    scratch = Path(tempfile.mkdtemp(prefix="ostiary-postgres-"))
    try:
        scratch.chmod(0o711)
        data = scratch / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(data, _NOBODY)
        server = PostgresServer(readable_binaries(found, scratch), data, scratch / "programs.log")
        server.create()
        server.start()
        try:
            server.create_database()
            yield server
        finally:
            if (data / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(scratch)
