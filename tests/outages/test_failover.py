"""PostgreSQL with a standby: the URL names both, and the one that takes writes is used."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests import postgres as binaries
from tests.matrix.database import PostgresDatabase, postgres_database
from tests.outages.conftest import settle
from tests.outages.replica import Person, Replica, running, until
from tests.system import free_port

pytestmark = [pytest.mark.system, pytest.mark.postgres]


@pytest.fixture
def pair() -> Iterator[tuple[PostgresDatabase, PostgresDatabase]]:
    """A primary, and a standby that streams from it."""
    with ExitStack() as stack:
        primary = stack.enter_context(postgres_database(port=free_port()))
        standby = stack.enter_context(postgres_database(port=free_port()))
        asyncio.run(primary.start())
        follow(standby, primary)
        yield primary, standby


def follow(standby: PostgresDatabase, primary: PostgresDatabase) -> None:
    """Make a server anew as the standby of another one, and start it."""
    for entry in standby.directory.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    binaries.run_program(
        primary.program.with_name("pg_basebackup"),
        *("-d", primary.url.replace("+psycopg", ""), "-D", str(standby.directory)),
        *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
        log=standby.directory.parent / "commands.log",
    )
    asyncio.run(standby.start())


def promote(standby: PostgresDatabase) -> None:
    binaries.run_program(
        standby.program.with_name("pg_ctl"),
        *("-D", str(standby.directory), "-w", "promote"),
        log=standby.directory.parent / "commands.log",
    )


def url_of(*servers: PostgresDatabase) -> str:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return f"postgresql://{binaries.USER}@{hosts}/postgres?target_session_attrs=read-write"


def _caught_up(primary: PostgresDatabase) -> bool:
    """Return whether the standby has everything; one that lags would lack it for good."""
    with psycopg.connect(primary.url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication"
        ).fetchone()
    return row is not None and bool(row[0])


def _is_registered(person: Person) -> bool:
    """Ask for an account, and return whether it is acknowledged.

    After a promotion, and while its next standby copies it, a server may be too slow for a moment.
    Whether such an attempt came into effect is then seen at the next one.
    """
    answer = person.ask_for_account()
    assert answer.status_code in {201, 409, 503}, answer.text
    return answer.status_code != 503


@pytest.mark.parametrize("end", ["kill", "pause"])
def test_when_the_standby_is_promoted_people_go_on(
    pair: tuple[PostgresDatabase, PostgresDatabase], tmp_path: Path, end: str
) -> None:
    primary, standby = pair
    with running(Replica(tmp_path, url_of(primary, standby))) as replica:
        person = settle(Person(replica))
        until(lambda: _caught_up(primary), replica.said)
        if end == "kill":
            asyncio.run(primary.kill())
        else:
            primary.pause()
        promote(standby)
        stranger = Person(replica, person.email)
        until(lambda: stranger.sign_in().status_code == 303, replica.said)
        assert "You are signed in" in person.browser.get("/demo").text
        assert person.introspect().json()["active"]


def test_over_and_back_and_over_again_nothing_acknowledged_is_lost(
    pair: tuple[PostgresDatabase, PostgresDatabase], tmp_path: Path
) -> None:
    """Each server dies as the primary and comes back as the other one's standby, on its own port.

    In between there is a server, but none that takes writes.
    """
    primary, standby = pair
    with running(Replica(tmp_path, url_of(primary, standby))) as replica:
        person = settle(Person(replica))
        for number in range(3):
            newest = Person(replica, f"newest-{number}@example.org")
            until(lambda known=newest: _is_registered(known), replica.said)
            until(lambda server=primary: _caught_up(server), replica.said)
            asyncio.run(primary.kill())
            waiting = Person(replica, person.email)
            assert waiting.sign_in().status_code == 503
            assert person.introspect().json()["active"]
            promote(standby)
            until(lambda known=newest: known.sign_in().status_code == 303, replica.said)
            assert "You are signed in" in person.browser.get("/demo").text
            person.token = person.new_token()
            follow(primary, standby)
            primary, standby = standby, primary
        assert replica.process is not None
        assert replica.process.poll() is None
