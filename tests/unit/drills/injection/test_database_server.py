"""Faults of a real PostgreSQL server, as a client of it sees them through the drill's network."""

import os

import psycopg
import pytest

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.injection import database_locks, postgres_binaries
from ostiary.drills.injection.postgres_binaries import find_binaries
from ostiary.drills.injection.postgres_server import PostgresServer, postgres_server
from ostiary.drills.injection.registry import injected
from ostiary.drills.injection.surroundings import surrounding
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from tests.unit.drills.injection.places import faults_of, order_of, place_of

LOCK_TIMEOUT = "-c lock_timeout=200"


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    order = order_of({"kind": "database_stopped"}, database="postgresql")
    with surrounding(order, tmp_path_factory.mktemp("drill")) as found:
        with found.server.postgres.connect() as owner:
            owner.execute("CREATE TABLE users (name text)")
            owner.execute("GRANT ALL ON users TO ostiary")
        yield found


@pytest.fixture
def client(surroundings):
    """A connection as a replica has one, made before the fault."""
    connection = connect(surroundings)
    yield connection
    connection.close()


@pytest.fixture
def befallen(surroundings, tmp_path):
    """What injects a fault of these fields."""

    def inject(**fault):
        order = order_of(fault, database="postgresql")
        place = place_of(order, tmp_path, tmp_path, surroundings)
        return injected(place, faults_of(order))

    return inject


def connect(surroundings, seconds_max=60):
    """Connect, with little time only where nobody is going to answer."""
    return psycopg.connect(
        surroundings.server.url, autocommit=True, connect_timeout=seconds_max, options=LOCK_TIMEOUT
    )


def write(connection):
    connection.execute("INSERT INTO users VALUES ('a')")


def seconds_of(connection):
    clock = SystemClock()
    began = clock.monotonic()
    connection.execute("SELECT 1")
    return clock.monotonic() - began


def require_well(surroundings):
    with connect(surroundings) as connection:
        write(connection)


def test_a_replica_reaches_the_server_through_the_network_of_the_drill(surroundings):
    option, url = surroundings.arguments
    assert option == "--database"
    assert str(surroundings.server.directory) in url
    require_well(surroundings)


def test_a_stopped_server_takes_no_connection_and_comes_back(surroundings, client, befallen):
    with befallen(kind="database_stopped"):
        with pytest.raises(psycopg.OperationalError):
            write(client)
        with pytest.raises(psycopg.OperationalError):
            connect(surroundings, seconds_max=2)
    require_well(surroundings)


def test_a_paused_server_answers_nobody_until_it_goes_on(surroundings, client, befallen):
    paused = befallen(kind="database_stopped", paused=True)
    with paused, pytest.raises(psycopg.OperationalError):
        connect(surroundings, seconds_max=2)
    write(client)


def test_a_locked_database_can_be_read_and_not_written(surroundings, client, befallen):
    with befallen(kind="database_locked"):
        client.execute("SELECT * FROM users")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            write(client)
    write(client)


def test_a_lock_that_is_not_granted_in_time_is_no_fault(client, befallen, monkeypatch):
    monkeypatch.setattr(database_locks, "_WAIT_SECONDS_MAX", 0.0)
    client.execute("BEGIN")
    write(client)
    with (
        pytest.raises(FaultNotInjectableError, match="the lock is not granted"),
        befallen(kind="database_locked"),
    ):
        pass
    client.execute("COMMIT")


def test_all_connections_are_taken_those_of_replicas_too(surroundings, client, befallen):
    with befallen(kind="pool_exhausted", connections=3):
        with pytest.raises(psycopg.OperationalError):
            write(client)
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            connect(surroundings)
    require_well(surroundings)


def test_a_slow_database_takes_its_time_for_each_answer(client, befallen):
    with befallen(kind="database_slow", milliseconds=250):
        assert seconds_of(client) >= 0.25


def test_a_slow_network_delays_question_and_answer(client, befallen):
    fault = {"kind": "network_delay", "between": "replicas_database", "milliseconds": 200}
    with befallen(**fault, jitter=50):
        assert seconds_of(client) >= 0.3


def test_a_network_that_loses_everything_cuts_the_connection(surroundings, client, befallen):
    fault = {"kind": "network_loss", "between": "replicas_database", "share": 1.0}
    with befallen(**fault, cut=True), pytest.raises(psycopg.OperationalError):
        write(client)
    require_well(surroundings)


def test_after_an_exception_meanwhile_all_is_well_again(surroundings, befallen):
    with pytest.raises(KeyError), befallen(kind="database_stopped"):
        raise KeyError
    require_well(surroundings)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "database_stopped"},
        {"kind": "database_slow"},
        {"kind": "pool_exhausted"},
        {"kind": "network_loss", "between": "replicas_database"},
    ],
)
def test_without_a_server_of_the_drill_s_own_nothing_is_done(fault, tmp_path):
    order = order_of(fault, database="postgresql")
    place = place_of(order, tmp_path, tmp_path)
    with (
        pytest.raises(FaultNotInjectableError, match="is no server"),
        injected(place, faults_of(order)),
    ):
        pass


def test_where_there_is_no_postgresql_it_is_told_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda _name: None)

    with pytest.raises(FaultNotInjectableError, match="No PostgreSQL here") as missing:
        find_binaries(str(tmp_path), system=tmp_path)
    assert "apt-get install" in missing.value.hint


def programs(directory):
    directory.mkdir(parents=True)
    for name in postgres_binaries.NEEDED:
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    return directory


def test_the_newest_installed_version_is_taken(tmp_path):
    programs(tmp_path / "9" / "bin")
    newest = programs(tmp_path / "18" / "bin")
    incomplete = programs(tmp_path / "19" / "bin")
    (incomplete / "postgres").unlink()
    (tmp_path / "contrib" / "bin").mkdir(parents=True)

    assert find_binaries(str(tmp_path / "nowhere"), system=tmp_path) == newest


def test_programs_on_the_path_come_first_wherever_they_lie(tmp_path):
    really = programs(tmp_path / "really")
    linked = tmp_path / "bin"
    linked.mkdir()
    (linked / "initdb").symlink_to(really / "initdb")
    programs(tmp_path / "18" / "bin")

    assert find_binaries(str(linked), system=tmp_path) == really


def test_the_server_of_the_package_runs_as_well(monkeypatch):
    monkeypatch.setattr(postgres_binaries, "_SYSTEM", "/nowhere")
    found = find_binaries("/nowhere", system=postgres_binaries._package_directory())
    assert postgres_binaries._PACKAGE in str(found)
    monkeypatch.setattr("ostiary.drills.injection.postgres_server.find_binaries", lambda _: found)

    with postgres_server() as server:
        directory = server.data.parent
        assert server.runs()
        assert (server.binaries != found) == (os.geteuid() == 0)
    assert not directory.exists()


def test_a_server_that_cannot_be_made_says_why(tmp_path):
    server = PostgresServer(tmp_path / "nowhere", tmp_path / "data", tmp_path / "programs.log")

    with pytest.raises(OstiaryError, match=r"PostgreSQL's initdb failed: .*nowhere/initdb"):
        server.create()


def test_a_program_that_fails_is_told_in_its_own_words(surroundings):
    server = surroundings.server.postgres

    with pytest.raises(OstiaryError, match=r"(?s)initdb failed: .*exists but is not empty"):
        server.create()
