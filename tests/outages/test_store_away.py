"""While the store is away: tokens and sessions go on, signing in says 503, nothing is restarted."""

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ostiary.kernel.outcomes import OUTCOME_HEADER
from tests.matrix.database import PostgresDatabase, postgres_database
from tests.outages.replica import Person, until

pytestmark = pytest.mark.system


def is_away(answer: httpx.Response) -> bool:
    """Return whether an answer says that the store is away, and when to come back."""
    outcome = answer.headers[OUTCOME_HEADER].partition("/")[2]
    return (
        answer.status_code == 503
        and outcome == "store_unavailable"
        and bool(answer.headers["retry-after"])
    )


def require_verification_goes_on(person: Person) -> None:
    keys = person.browser.get("/oauth2/jwks")
    assert keys.status_code == 200
    assert keys.json()["keys"]
    described = person.introspect()
    assert described.json().get("active") is True, (described.text, person.replica.said())
    assert person.introspect("no.such.token").json() == {"active": False}
    assert person.introspect(secret="wrong").status_code == 401
    told = person.userinfo()
    assert (told.status_code, told.json()["email"]) == (200, person.email)
    assert "You are signed in" in person.browser.get("/demo").text


def require_nobody_is_refused(person: Person) -> None:
    """Whatever needs the store says so: never a wrong password, a sign-in page or an inactive."""
    stranger = Person(person.replica, person.email)
    assert is_away(stranger.sign_in())
    assert is_away(stranger.sign_in("wrong"))
    assert is_away(person.authorize())
    stranger.browser.cookies.set("ostiary_session", "of somebody not seen before")
    assert is_away(stranger.browser.get("/demo"))
    assert is_away(person.introspect("an-opaque-refresh-token"))


def require_recovery(person: Person) -> None:
    """Without a restart, and with everything that was acknowledged before."""
    assert person.replica.process is not None
    stranger = Person(person.replica, person.email)
    until(lambda: stranger.sign_in().status_code == 303, person.replica.said)
    assert "You are signed in" in person.browser.get("/demo").text
    until(lambda: person.authorize().headers.get("location", "").startswith("https://app.example"))
    assert person.replica.process.poll() is None


@contextmanager
def stopped(server: PostgresDatabase) -> Iterator[None]:
    asyncio.run(server.stop())
    yield
    asyncio.run(server.start())


@contextmanager
def killed(server: PostgresDatabase) -> Iterator[None]:
    asyncio.run(server.kill())
    yield
    asyncio.run(server.start())


@contextmanager
def paused(server: PostgresDatabase) -> Iterator[None]:
    server.pause()
    try:
        yield
    finally:
        server.resume()


@contextmanager
def locked(server: PostgresDatabase) -> Iterator[None]:
    """Somebody holds every table of the service for themselves: everything waits for them."""
    import psycopg  # noqa: PLC0415

    address = server.url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        # With one left out the store answers others, and what it said before stands for nothing.
        tables = [name for (name,) in found.fetchall()]
        assert "clients" in tables
        connection.execute(f"LOCK TABLE {', '.join(tables)}".encode())
        yield


@contextmanager
def replaced(server: PostgresDatabase) -> Iterator[None]:
    """Another, empty server answers at the address, as while somebody restores a database."""
    with stopped(server), postgres_database(port=server.port) as other:
        asyncio.run(other.start())
        yield


@pytest.mark.postgres
@pytest.mark.parametrize("outage", [stopped, killed, paused, locked, replaced])
def test_on_postgresql(on_postgres: Person, postgres: PostgresDatabase, outage) -> None:
    with outage(postgres):
        require_verification_goes_on(on_postgres)
        require_nobody_is_refused(on_postgres)
        require_verification_goes_on(on_postgres)
    require_recovery(on_postgres)


@pytest.mark.postgres
def test_a_paused_server_holds_up_nobody_who_does_not_need_it(
    on_postgres: Person, postgres: PostgresDatabase
) -> None:
    """Many sign-ins at once must not line up before those who only ask for keys."""
    with paused(postgres), ThreadPoolExecutor(12) as people:
        strangers = [Person(on_postgres.replica, on_postgres.email) for _ in range(12)]
        answers = list(people.map(Person.sign_in, strangers))
        assert all(is_away(answer) for answer in answers)
        require_verification_goes_on(on_postgres)
    require_recovery(on_postgres)


def test_a_sqlite_file_that_another_program_holds_for_itself(on_sqlite: Person) -> None:
    file = on_sqlite.replica.directory / "identity.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        require_verification_goes_on(on_sqlite)
        stranger = Person(on_sqlite.replica, on_sqlite.email)
        assert is_away(stranger.sign_in())
        assert is_away(on_sqlite.authorize())
        # Reading goes on, so the store itself can say what is unknown.
        assert on_sqlite.introspect("an-opaque-refresh-token").json() == {"active": False}
        other.execute("ROLLBACK")
    require_recovery(on_sqlite)


def test_a_disk_that_takes_nothing_more(on_sqlite: Person) -> None:
    """Files of the replica may not grow, its log among them, until the limit is taken back."""
    process = on_sqlite.replica.process
    assert process is not None
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        require_verification_goes_on(on_sqlite)
        stranger = Person(on_sqlite.replica, on_sqlite.email)
        assert is_away(stranger.sign_in())
        assert is_away(on_sqlite.authorize())
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
    require_recovery(on_sqlite)


def test_a_sqlite_file_whose_content_is_overwritten(on_sqlite: Person) -> None:
    """A damaged file is a store that is away; the replica writes nothing more into it."""
    file: Path = on_sqlite.replica.directory / "identity.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = file.read_bytes()
    file.write_bytes(b"garbage " * (len(content) // 8))
    require_verification_goes_on(on_sqlite)
    stranger = Person(on_sqlite.replica, on_sqlite.email)
    assert is_away(stranger.sign_in())
    file.write_bytes(content)
    require_recovery(on_sqlite)
