"""Faults of SQLite's file: a lock that somebody else holds, and a disk without room."""

import errno
import os
import sqlite3
import subprocess
from contextlib import closing

import pytest

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.injection import small_disk
from ostiary.drills.injection.registry import injected
from ostiary.drills.injection.surroundings import Surroundings, surrounding
from tests.unit.drills.injection.places import faults_of, order_of, place_of

LOCKED, FULL = {"kind": "database_locked"}, {"kind": "disk_full"}


def writer_of(path):
    """Return a connection as a replica has one: with a write-ahead log."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS users (name text)")
    write(connection)
    return connection


def write(connection, size=8):
    connection.execute("INSERT INTO users VALUES (?)", ("a" * size,))


def count(connection):
    return connection.execute("SELECT count(*) FROM users").fetchone()[0]


def test_while_the_file_is_locked_it_can_be_read_and_not_written(tmp_path):
    order = order_of(LOCKED)
    place = place_of(order, tmp_path, tmp_path)
    with closing(writer_of(tmp_path / "identity.db")) as replica:
        with injected(place, faults_of(order)):
            assert count(replica) == 1
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                write(replica)
        write(replica)


@pytest.fixture
def disk(tmp_path):
    with surrounding(order_of(FULL), tmp_path) as surroundings:
        yield surroundings
    assert not os.path.ismount(surroundings.disk)


@pytest.mark.disk
def test_on_a_full_disk_nothing_is_written_and_what_was_there_can_be_read(disk, tmp_path):
    order = order_of(FULL)
    place = place_of(order, tmp_path, tmp_path, disk)
    assert disk.arguments == ("--database", f"sqlite:///{disk.disk}/identity.db")
    with closing(writer_of(disk.disk / "identity.db")) as replica:
        write(replica, size=2_000_000)
        with injected(place, faults_of(order)):
            assert count(replica) == 2
            for _ in range(3):
                with pytest.raises(sqlite3.OperationalError, match="full"):
                    write(replica)
            assert os.path.ismount(disk.disk)
        write(replica, size=2_000_000)
        assert count(replica) == 3


def test_without_a_disk_of_the_drill_s_own_nothing_is_filled(tmp_path):
    order = order_of(FULL)
    place = place_of(order, tmp_path, tmp_path)

    with pytest.raises(FaultNotInjectableError, match="no disk of its own"):
        injected(place, faults_of(order)).__enter__()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (subprocess.CompletedProcess([], 32, "", "mount: permission denied.\n"), "denied."),
        (subprocess.CompletedProcess([], 1, "", ""), "exit 1"),
        (FileNotFoundError(errno.ENOENT, "No such file", "mount"), "No such file"),
        (subprocess.TimeoutExpired("mount", 10), "timed out"),
    ],
)
def test_where_nothing_can_be_mounted_it_is_told_why(answer, told, tmp_path, monkeypatch):
    def run(*_arguments, **_options):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(small_disk.subprocess, "run", run)

    with pytest.raises(FaultNotInjectableError) as missing, surrounding(order_of(FULL), tmp_path):
        pass
    assert str(missing.value).startswith("No small disk can be mounted here: ")
    assert told in str(missing.value)


def test_a_system_brings_its_own_store_where_no_fault_needs_another(tmp_path):
    with surrounding(order_of(LOCKED), tmp_path) as surroundings:
        assert surroundings == Surroundings()
        assert surroundings.arguments == ()
        assert surroundings.store(tmp_path) == tmp_path / "identity.db"
