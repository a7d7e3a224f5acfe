"""Releases that change the store, or what others find there: on one system, one after the other."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ostiary.guard.client import GuardClient
from tests.guarded import releases, store_releases
from tests.guarded.conftest import running_quick
from tests.guarded.releases import Fault, make_release
from tests.guarded.store_releases import add_migration
from tests.guarded.users import users
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem, call_ostiary

pytestmark = pytest.mark.system

Maker = Callable[..., Path]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """One system on SQLite for all releases of this module."""
    with running_quick(tmp_path_factory.mktemp("store-changes")) as (running, _):
        yield running


@pytest.fixture
def made(system: RunningSystem, tmp_path: Path) -> Maker:
    """Return a function that makes a release from the running one."""

    def make(*faults: Fault) -> Path:
        last_good = system.status()["last_good"]
        return make_release(system.data, last_good, tmp_path / "release", *faults)

    return make


def propose(system: RunningSystem, release: Path, *options: str) -> dict[str, Any]:
    arguments = ("change", "propose", "--release", str(release), "--wait", *options)
    answer: dict[str, Any] = json.loads(call_ostiary(*arguments, data=system.data).stdout)
    return answer


def schema(system: RunningSystem) -> list[Any]:
    with closing(sqlite3.connect(system.data / "identity.db")) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        return [*tables, *connection.execute("SELECT version_num FROM alembic_version")]


def codes(result: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in result["reasons"]]


def copies(system: RunningSystem) -> list[Path]:
    return list((system.data / "rehearsal").glob("*"))


def require_refused_and_untouched(system: RunningSystem, release: Path, *codes_: str) -> str:
    """Fail unless a release is refused in rehearse for these reasons; return their words."""
    before, serving = schema(system), system.status()
    result = propose(system, release)
    assert (result["verdict"], result["stage"]) == ("refused", "rehearse"), result
    assert set(codes_) <= set(codes(result)), result
    after = system.status()
    assert (schema(system), copies(system)) == (before, [])
    assert after["last_good"] == serving["last_good"]
    pids = [{one["pid"] for one in status["replicas"]} for status in (serving, after)]
    assert pids[0] == pids[1]
    return " ".join(reason["text"] for reason in result["reasons"])


def test_a_migration_that_drops_a_column_is_refused_with_its_name(system, made):
    release = add_migration(made(), store_releases.DROPS_A_COLUMN)
    words = require_refused_and_untouched(system, release, "migration_contracts")
    assert "drops column `mails.given_up_at`" in words
    assert system.status()["last_good"] in words


def test_rows_that_last_good_cannot_read_are_found_on_the_copy(system, made):
    release = add_migration(made(*store_releases.OTHER_HASHES), store_releases.EXPANDS)
    words = require_refused_and_untouched(system, release, "journey_failed")
    assert "last good on the migrated copy" in words


def test_a_migration_that_holds_its_lock_too_long_is_refused_with_its_time(system, made):
    release = add_migration(
        made(), store_releases.EXPANDS, store_releases.SLEEPS.format(seconds=1.5)
    )
    words = require_refused_and_untouched(system, release, "migration_too_long")
    assert "on a copy" in words


def test_a_migration_that_ends_with_rubbish_is_refused_with_what_it_said(system, made):
    release = add_migration(made(), store_releases.PRINTS_RUBBISH)
    words = require_refused_and_untouched(system, release, "store_program_rubbish")
    assert "?[31mxxx" in words


def test_a_candidate_that_holds_a_transaction_open_is_stopped_before_users_fail(
    system, made, tmp_path
):
    with users(system, tmp_path):
        release = made(store_releases.HOLDS_A_TRANSACTION)
        words = require_refused_and_untouched(system, release, "store_locked")
    assert "kept the store locked" in words


def test_a_release_that_leaks_memory_is_refused_with_both_figures(system, made):
    words = require_refused_and_untouched(
        system, made(store_releases.LEAKS_MEMORY), "memory_growth"
    )
    assert "last good" in words
    assert "leaks memory" in words


def test_in_canary_a_release_that_leaks_memory_is_rolled_back_for_it(system, made):
    result = propose(
        system, made(store_releases.LEAKS_MEMORY, releases.HEALTHY), "--from", "canary"
    )
    assert (result["verdict"], result["users_affected"]) == ("rolled_back", 0), result
    assert "memory_growth" in codes(result)


def test_a_guard_killed_while_a_copy_is_tried_leaves_none_behind(system, made):
    release = add_migration(
        made(), store_releases.EXPANDS, store_releases.SLEEPS.format(seconds=600)
    )
    before, client = schema(system), GuardClient(system.data)
    change = client.post("/changes", {"releases": {"identity": str(release)}})["change"]
    wait_for(lambda: [each for each in copies(system) if (each / "identity.db").exists()], "a copy")
    guard = json.loads((system.data / "guard.json").read_text())["pid"]
    os.kill(guard, signal.SIGKILL)
    wait_for(lambda: client.get("/status")["guard_pid"] != guard, "another guard")
    settled = wait_for(lambda: (v := client.get(f"/changes/{change}"))["verdict"] and v, "its end")
    assert settled["verdict"] in {"refused", "rolled_back"}, settled
    assert (copies(system), schema(system)) == ([], before)
