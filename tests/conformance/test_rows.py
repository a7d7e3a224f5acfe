"""All rows of a store as text, and back into either kind of store."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.identity.maintenance.databases import snapshot_of, transaction_in
from ostiary.identity.maintenance.rows import dump, load
from ostiary.identity.store.engine import Store
from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.kernel.errors import RefusedError
from tests.identity_app import build_identity

Urls = Callable[[], str]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path):
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.fresh_database()
    yield url
    server.drop_database(url)


def url_of(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def lines_of(url: str) -> list[str]:
    with snapshot_of(url) as connection:
        return list(dump(connection))


def as_content(lines: list[str]) -> set[str]:
    return {*lines[1:]}


def test_what_is_dumped_and_loaded_is_the_same_in_either_store(
    store: Store, empty: str, tmp_path: Path
) -> None:
    service = build_identity(tmp_path, database_url=url_of(store))
    service.add_user("Ada@Example.org", roles=("admin", "staff"))
    service.add_client("app", redirect_uris=["https://app.example/%C3%A4?x=1"])
    browser = service.edge()
    browser.sign_in("ada@example.org")
    service.close()
    lines = lines_of(url_of(store))
    with transaction_in(empty) as connection:
        counts = load(connection, lines)
    assert (counts["users"], counts["clients"], counts["sessions"]) == (1, 1, 1)
    assert as_content(lines_of(empty)) == as_content(lines)
    restored = build_identity(tmp_path, database_url=empty)
    browser.service = restored
    assert "ada@example.org" in browser.get("/demo").text.lower()
    assert restored.edge().sign_in("ada@example.org").status_code == 303
    restored.close()


def test_a_dump_is_one_state_while_others_write(store: Store, tmp_path: Path) -> None:
    service = build_identity(tmp_path, database_url=url_of(store))
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            assert service.edge().get("/demo").status_code in {200, 303}
            service.add_user(f"user{number}@example.org")
            browser = service.edge()
            browser.sign_in(f"user{number}@example.org")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            with transaction_in(f"sqlite:///{tmp_path / 'copy.db'}") as connection:
                # Foreign keys hold only in a state that once was.
                load(connection, lines_of(url_of(store)))
            (tmp_path / "copy.db").unlink()
    finally:
        stop.set()
        writer.join()
        service.close()


def test_lines_that_are_not_whole_leave_a_database_empty(store: Store, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'target.db'}"
    lines = lines_of(url_of(store))
    for number, (damaged, code) in enumerate(
        [
            ([], "backup_damaged"),
            (lines[:-1], "backup_damaged"),
            (lines[:5] + lines[6:], "backup_damaged"),
            ([*lines[:-1], "{"], "backup_damaged"),
            ([lines[0], '{"table": "other", "columns": []}'], "backup_damaged"),
            ([lines[0], "[1]"], "backup_damaged"),
            (['{"format": 1, "revision": "9999"}', *lines[1:]], "backup_newer"),
        ]
    ):
        with pytest.raises(RefusedError) as caught, transaction_in(target) as connection:
            load(connection, damaged)
        assert caught.value.code == code, number
        with pytest.raises(RefusedError) as caught, snapshot_of(target) as connection:
            list(dump(connection))
        assert caught.value.code == "store_empty"


def test_a_database_with_tables_is_not_loaded_into(store: Store) -> None:
    lines = lines_of(url_of(store))
    with pytest.raises(RefusedError) as caught, transaction_in(url_of(store)) as connection:
        load(connection, lines)
    assert caught.value.code == "database_not_empty"
    assert lines_of(url_of(store)) == lines


def test_the_last_line_counts_the_rows(store: Store) -> None:
    counts = json.loads(lines_of(url_of(store))[-1])["rows"]
    assert counts["users"] == 0
    assert "alembic_version" not in counts


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught, snapshot_of(f"sqlite:///{tmp_path}/none.db"):
        pass
    assert caught.value.code == "store_missing"
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(StoreUnavailableError), snapshot_of("postgresql://u:pw@127.0.0.1:1/x"):
        pass
