"""PostgreSQL with a standby: the URL names both, and the one that takes writes is used."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests import postgres as binaries
from tests.matrix.database import PostgresDatabase, postgres_database
from tests.outages.conftest import settle
from tests.outages.replica import Person, Replica, running, until

pytestmark = [pytest.mark.system, pytest.mark.postgres]


@pytest.fixture
def pair() -> Iterator[tuple[PostgresDatabase, PostgresDatabase]]:
    """A primary, and a standby that streams from it."""
    with ExitStack() as stack:
        primary = stack.enter_context(postgres_database())
        standby = stack.enter_context(postgres_database())
        asyncio.run(primary.start())
        for entry in standby.directory.iterdir():
            _remove(entry)
        binaries._run(
            primary.program.with_name("pg_basebackup"),
            *("-h", str(primary.directory), "-U", binaries.USER, "-D", str(standby.directory)),
            *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
            log=standby.directory.parent / "commands.log",
        )
        for left in standby.directory.glob(".s.PGSQL.*"):
            left.unlink()
        asyncio.run(standby.start())
        yield primary, standby


def _remove(entry: Path) -> None:
    import shutil  # noqa: PLC0415

    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _caught_up(primary: PostgresDatabase) -> bool:
    """Return whether the standby has everything; one that lags would lack it for good."""
    with psycopg.connect(primary.url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication"
        ).fetchone()
    return row is not None and bool(row[0])


@pytest.mark.parametrize("end", ["kill", "pause"])
def test_when_the_standby_is_promoted_people_go_on(
    pair: tuple[PostgresDatabase, PostgresDatabase], tmp_path: Path, end: str
) -> None:
    primary, standby = pair
    url = (
        f"postgresql://{binaries.USER}@/postgres?host={primary.directory},{standby.directory}"
        "&target_session_attrs=read-write"
    )
    with running(Replica(tmp_path, url)) as replica:
        person = settle(Person(replica))
        until(lambda: _caught_up(primary), replica.said)
        if end == "kill":
            asyncio.run(primary.kill())
        else:
            primary.pause()
        binaries._run(
            standby.program.with_name("pg_ctl"),
            *("-D", str(standby.directory), "-w", "promote"),
            log=standby.directory.parent / "commands.log",
        )
        stranger = Person(replica, person.email)
        until(lambda: stranger.sign_in().status_code == 303, replica.said)
        assert "You are signed in" in person.browser.get("/demo").text
        assert person.introspect().json()["active"]
