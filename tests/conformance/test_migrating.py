"""Copying a store, telling what it looks like, and migrating it within limits, on either kind."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from ostiary.guard.rehearsal.contraction import contractions
from ostiary.guard.rehearsal.schema import Schema
from ostiary.identity.maintenance.copying import copy_to_file
from ostiary.identity.store.engine import Store
from ostiary.identity.store.revision import HEAD
from ostiary.kernel.errors import OstiaryError, RefusedError
from ostiary.kernel.ids import SeededRandom
from ostiary.runtime.releases import Release
from ostiary.runtime.store_copies import StoreCopies, StoreCopy
from ostiary.runtime.store_program import StoreProgram, StoreProgramError, ask
from ostiary.runtime.store_revision import read_revision
from tests.guarded import store_releases
from tests.guarded.upgrades import write_next_release
from tests.identity_app import build_identity

SECONDS_MAX = 60.0
NEXT = f"{int(HEAD) + 1:04}"


@pytest.fixture
def url(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


@pytest.fixture
def copies(url: str, tmp_path: Path) -> StoreCopies:
    return StoreCopies(tmp_path / "rehearsal", url)


def own(command: str, **request: object) -> dict:
    return asyncio.run(ask(StoreProgram.own(), command, request, seconds_max=SECONDS_MAX))


def copied(copies: StoreCopies, url: str) -> StoreCopy:
    copy = copies.begin(SeededRandom(3))
    own("copy", database_url=url, **copy.target)
    return copy


def schema(url: str) -> Schema:
    return Schema.from_json(own("describe", database_url=url))


def rows(url: str, statement: str) -> list:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []
    finally:
        engine.dispose()


def migrate(release: Path, url: str, *, lock: float = 1.0, held: float = 30.0) -> dict:
    program = StoreProgram.of(Release("0" * 64, release))
    request = {"database_url": url, "lock_seconds_max": lock, "held_seconds_max": held}
    return asyncio.run(ask(program, "migrate", request, seconds_max=SECONDS_MAX))


@pytest.fixture
def following(tmp_path: Path) -> Path:
    return write_next_release(tmp_path / "next", tmp_path / "runs")


def test_a_copy_has_the_tables_and_rows_of_the_store_and_counts_for_itself(
    store, url, copies, tmp_path
):
    service = build_identity(tmp_path, database_url=url)
    service.add_user("ada@example.org")
    service.edge().sign_in("ada@example.org")
    service.close()
    copy = copied(copies, url)
    assert schema(copy.database_url) == schema(url)
    count = "SELECT count(*) FROM audit_entries"
    assert rows(copy.database_url, count) == rows(url, count) != [0]
    assert read_revision(copy.database_url) == HEAD
    service = build_identity(tmp_path, database_url=copy.database_url)
    service.edge().sign_in("ada@example.org")
    service.close()
    newest = "SELECT max(number) FROM audit_entries"
    assert rows(copy.database_url, newest)[0] > rows(url, newest)[0]
    rows(copy.database_url, "DELETE FROM users")
    assert rows(copy.database_url, "SELECT count(*) FROM sessions") in ([0], [2])
    assert rows(url, "SELECT count(*) FROM users") == [1]


def test_a_copy_is_found_by_its_record_and_leaves_nothing(store, url, copies):
    copied(copies, url)
    (found,) = copies.left_behind()
    if found.schema is not None:
        own("drop", database_url=url, schema=found.schema)
        assert found.schema not in inspect(store.engine).get_schema_names()
    found.remove_files()
    assert list(copies.left_behind()) == []


def test_nothing_is_copied_into_a_server_when_nobody_waits(store, url, copies):
    copy = copies.begin(SeededRandom(4))
    if copy.schema is None:
        # A file goes with its directory.
        shutil.rmtree(copy.directory)
        with pytest.raises(StoreProgramError, match="No such file"):
            own("copy", database_url=url, **copy.target)
        return
    done = subprocess.run(
        [sys.executable, "-m", "ostiary.identity.maintenance", "copy"],
        input=json.dumps({"database_url": url, **copy.target}) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "copy_given_up" in done.stderr
    assert copy.schema not in inspect(store.engine).get_schema_names()


def test_the_next_release_migrates_a_copy_and_only_the_copy(store, url, copies, following):
    copy = copied(copies, url)
    answer = migrate(following, copy.database_url)
    assert answer["revision"] == read_revision(copy.database_url) == NEXT
    assert 0 <= answer["held_seconds"] < 30
    assert read_revision(url) == HEAD
    before, after = schema(url), schema(copy.database_url)
    assert contractions(before, after) == ()
    assert "made_by" in after.tables["sessions"].columns
    found = contractions(after, before)
    assert {each.code for each in found} == {"table_dropped", "column_dropped"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (store_releases.DROPS_A_COLUMN, "column_dropped"),
        ('op.create_index("one_name", "mails", ["recipient"], unique=True)', "unique_added"),
        (
            'op.execute("ALTER TABLE users ADD x TEXT REFERENCES clients (client_id)")',
            "deletion_blocked",
        ),
    ],
)
def test_what_a_migration_takes_is_seen_in_the_database_itself(
    store, url, copies, tmp_path, following, line, code
):
    store_releases.add_migration(following, line)
    copy = copied(copies, url)
    migrate(following, copy.database_url)
    found = contractions(schema(url), schema(copy.database_url))
    assert [each.code for each in found] == [code]


def test_a_migration_that_holds_locks_too_long_is_undone(store, url, following):
    store_releases.add_migration(following, store_releases.EXPANDS, "time.sleep(600)")
    before = schema(url)
    with pytest.raises(StoreProgramError) as raised:
        migrate(following, url, held=0.5)
    assert raised.value.code == "migration_too_long"
    assert (read_revision(url), schema(url)) == (HEAD, before)


def test_a_lock_that_is_not_got_is_told_and_nothing_is_half_done(store, url, following):
    before = schema(url)
    with store.write(seconds_max=30) as connection:
        connection.execute(text("UPDATE users SET disabled = disabled"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE sessions IN ACCESS SHARE MODE"))
        with pytest.raises(StoreProgramError) as raised:
            migrate(following, url, lock=0.2)
    assert raised.value.code == "migration_lock", str(raised.value)
    assert (read_revision(url), schema(url)) == (HEAD, before)


def test_a_lock_that_is_given_back_in_time_is_waited_for(store, url, following):
    held = threading.Event()

    def hold() -> None:
        with store.write() as connection:
            connection.execute(text("UPDATE users SET disabled = disabled"))
            held.set()
            time.sleep(0.3)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(10)
    assert migrate(following, url, lock=5.0)["revision"] == NEXT
    holder.join()


def test_a_store_that_is_away_tells_no_revision_and_is_not_copied(tmp_path):
    for url in (f"sqlite:///{tmp_path}/missing.db", f"postgresql:///x?host={tmp_path}"):
        with pytest.raises(RefusedError) as raised:
            read_revision(url)
        assert raised.value.code == "store_unavailable"
        copy = StoreCopies(tmp_path / url[:6], url).begin(SeededRandom(5))
        with pytest.raises(OstiaryError):
            own("copy", database_url=url, **copy.target)


def test_a_copy_for_which_there_is_no_room_is_not_begun(tmp_path, monkeypatch):
    path = tmp_path / "identity.db"
    sqlite3.connect(path).close()
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(RefusedError) as raised:
        copy_to_file(f"sqlite:///{path}", str(tmp_path / "copy.db"))
    assert raised.value.code == "disk_full"
    assert not (tmp_path / "copy.db").exists()


def test_options_of_a_url_are_kept_beside_the_schema_of_a_copy(tmp_path):
    url = "postgresql://u:p@h/d?options=-cgeqo%3Doff&sslmode=require"
    copy = StoreCopies(tmp_path, url).begin(SeededRandom(1))
    assert copy.schema is not None
    assert copy.database_url == (
        f"postgresql://u:p@h/d?sslmode=require&options=-cgeqo%3Doff%20-csearch_path%3D{copy.schema}"
    )
