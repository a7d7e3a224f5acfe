"""Stores of a test's own, which it may break, and somebody who uses the service."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.matrix.database import PostgresDatabase, postgres_database
from tests.outages.replica import Person, Replica, running
from tests.system import free_port


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresDatabase]:
    """A PostgreSQL server that the tests of a module stop, pause and kill, and leave running.

    Over TCP, as most are; the kill matrix uses a Unix socket.
    """
    with postgres_database(port=free_port()) as database:
        asyncio.run(database.start())
        yield database


def settle(person: Person) -> Person:
    """Let a person sign in and use an application, which also asks about their token."""
    person.register()
    assert person.sign_in().status_code == 303
    assert "You are signed in" in person.browser.get("/demo").text
    person.use_application()
    assert person.introspect().json()["active"]
    assert person.userinfo().status_code == 200
    return person


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Person]:
    with running(Replica(tmp_path, f"sqlite:///{tmp_path / 'identity.db'}")) as replica:
        yield settle(Person(replica))


@pytest.fixture(scope="module")
def on_postgres(
    postgres: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Person]:
    directory = tmp_path_factory.mktemp("on-postgres")
    with running(Replica(directory, postgres.url)) as replica:
        yield settle(Person(replica))
