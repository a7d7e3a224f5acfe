"""A replica whose store is away, damaged or not for it when it starts; and one that is killed."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.matrix.database import PostgresDatabase
from tests.outages.conftest import settle
from tests.outages.replica import SECONDS_MAX, Person, Replica, running, until

pytestmark = pytest.mark.system


@pytest.mark.postgres
def test_a_replica_waits_for_a_store_that_is_away_at_its_start(
    postgres: PostgresDatabase, tmp_path: Path
) -> None:
    asyncio.run(postgres.stop())
    try:
        replica = Replica(tmp_path, postgres.url)
        with running(replica, ready=False):
            until(lambda: "waiting for the store" in replica.said(), replica.said)
            asyncio.run(postgres.start())
            replica.wait_ready()
    finally:
        if postgres.server is None:
            asyncio.run(postgres.start())


def refused(replica: Replica) -> str:
    """Return the last line of a replica that refuses to run."""
    with running(replica, ready=False):
        assert replica.process is not None
        assert replica.process.wait(SECONDS_MAX) == 3, replica.said()
    return replica.said().splitlines()[-1]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A sound store, large enough to have pages that no start has to read."""
    with running(Replica(tmp_path, f"sqlite:///{tmp_path / 'identity.db'}")) as replica:
        Person(replica).register()
    file = tmp_path / "identity.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE filler AS SELECT hex(randomblob(90000)) AS text")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.mark.parametrize("where", ["header", "page"])
def test_a_damaged_file_is_refused_and_left_as_it_is(stored: Path, where: str) -> None:
    content = bytearray(stored.read_bytes())
    start = 0 if where == "header" else 4096 * 3
    content[start : start + 4096] = b"garbage!" * 512
    stored.write_bytes(content)
    said = refused(Replica(stored.parent, f"sqlite:///{stored}"))
    assert str(stored) in said
    assert "damaged" in said
    assert "ostiary restore" in said
    assert stored.read_bytes() == content


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_what_was_acknowledged_before_a_kill_is_there_after_it(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    """Replica and database server die without a word, right behind the last answer."""
    server: PostgresDatabase | None = None
    url = f"sqlite:///{tmp_path / 'identity.db'}"
    if store == "postgres":
        server = request.getfixturevalue("postgres")
        url = server.url
    replica = Replica(tmp_path, url)
    with running(replica):
        person = Person(replica, f"{store}@example.org")
        if store == "sqlite":
            settle(person)
        else:
            person.register()
            assert person.sign_in().status_code == 303
        gone = Person(replica, f"gone-{store}@example.org")
        gone.register()
        assert gone.sign_in().status_code == 303
        disabled = replica.admin("POST", f"/admin/users/{gone.email}/disable")
        assert disabled.status_code == 200
        replica.kill()
        if server is not None:
            asyncio.run(server.kill())
            asyncio.run(server.start())
        replica.start()
        replica.wait_ready()
        assert "You are signed in" in person.browser.get("/demo").text
        assert "You are signed in" not in gone.browser.get("/demo").text
        assert gone.sign_in().status_code == 200
        if store == "sqlite":
            assert person.introspect().json()["active"]
