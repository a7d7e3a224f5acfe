"""Whoever keeps the SQLite store locked is found by the kernel's own list, and nobody else."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.guard.rehearsal.lock_watch import HELD_LOOKS_MAX, LockWatch, holders
from ostiary.kernel.processes import ProcessRecord, identify

HELD = """\
1: POSIX  ADVISORY  WRITE 42 08:01:7 120 120
2: POSIX  ADVISORY  READ 43 08:01:7 123 123
2: -> POSIX  ADVISORY  WRITE 44 08:01:7 120 120
3: POSIX  ADVISORY  WRITE 45 08:01:8 120 120
4: POSIX  ADVISORY  WRITE 46 08:01:7 121 122
5: FLOCK  ADVISORY  WRITE 47 08:01:7 0 EOF
6: POSIX  ADVISORY  WRITE 48 08:01:7 100 EOF
rubbish
"""
_HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "identity.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        yield path


@pytest.fixture
def holder(store: Path) -> Iterator[ProcessRecord]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    record = identify(process.pid)
    assert record is not None
    yield record
    process.stdin.close()
    process.stdout.close()
    process.kill()
    process.wait()


def watching(store: Path, process: ProcessRecord, name: str) -> LockWatch:
    watch = LockWatch(store)
    # Without a loop the looks are the test's own.
    watch._looking = object()  # type: ignore[assignment]
    watch.watch(process, name, HELD_LOOKS_MAX)
    return watch


def test_only_who_has_the_writers_lock_of_this_file_is_told():
    assert holders(HELD, 7) == {42, 48}


def test_a_process_that_keeps_the_lock_is_killed_and_the_store_is_free(store, holder):
    watch = watching(store, holder, "Candidate c")
    log = store.with_name("identity.db-shm")
    for _ in range(HELD_LOOKS_MAX - 1):
        watch.look(watch.holding(log))
    assert watch.reason is None
    watch.look(watch.holding(log))
    assert watch.reason is not None
    assert watch.reason.code == "store_locked"
    with closing(sqlite3.connect(store, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")


def test_a_lock_of_somebody_else_is_nobodys_fault(store, holder):
    watch = watching(store, ProcessRecord(holder.pid + 1, 1, holder.boot_id), "Candidate c")
    for _ in range(HELD_LOOKS_MAX + 1):
        watch.look(watch.holding(store.with_name("identity.db-shm")))
    assert watch.reason is None


def test_short_transactions_one_after_the_other_are_no_lock(store, holder):
    watch = watching(store, holder, "Candidate c")
    inode = store.with_name("identity.db-shm").stat().st_ino
    held = f"1: POSIX  ADVISORY  WRITE {holder.pid} 08:01:{inode} 120 120\n"
    texts = iter([held, held, ""] * HELD_LOOKS_MAX)
    watch._read = lambda: next(texts)
    for _ in range(3 * HELD_LOOKS_MAX):
        watch.look(watch.holding(store.with_name("identity.db-shm")))
    assert watch.reason is None
