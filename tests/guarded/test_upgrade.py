"""From one release to the next under sign-ins, with a migration between them, and back again."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from ostiary.drills.population import copy_release, release_of
from ostiary.drills.traffic_process import Traffic
from ostiary.guard.client import GuardClient
from tests.guarded.upgrades import MARK, write_next_release
from tests.guarded.users import RATE, SECONDS_MAX, users, visits
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

pytestmark = pytest.mark.system


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url")).replace("+psycopg", "")
    return f"sqlite:///{tmp_path / 'identity.db'}"


@pytest.fixture
def system(database: str, tmp_path: Path, quick_settings: Path) -> Iterator[RunningSystem]:
    """A system of the previous release."""
    data = tmp_path / "data"
    options = ["--config", str(quick_settings), "--port", str(free_port())]
    try:
        up = run_ostiary("up", "--detach", "--database", database, *options, data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        call_ostiary("down", data=data)


def rows(database: str, statement: str) -> set[Any]:
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as connection:
            return set(connection.execute(text(statement)).scalars())
    finally:
        engine.dispose()


def promote(system: RunningSystem, release: Path, traffic: Traffic) -> dict[str, Any]:
    """Propose a release and see it become the last good one, with users before and after.

    Returns what came of the change.
    """
    result = call_ostiary(
        "change", "propose", "--release", str(release), "--wait", data=system.data
    )
    answer: dict[str, Any] = json.loads(result.stdout)
    assert (result.returncode, answer["verdict"]) == (0, "promoted"), answer
    traffic.wait_for_visits(visits(traffic) + RATE, SECONDS_MAX)
    return answer


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_users_sign_in_while_the_next_release_migrates(system, database, tmp_path):
    following = write_next_release(tmp_path / "next", tmp_path / "runs")
    with users(system, tmp_path) as traffic:
        promote(system, following, traffic)
    assert MARK in rows(database, "SELECT made_by FROM sessions")
    # Once on a copy, and once on the store.
    assert len((tmp_path / "runs").read_text().split()) == 2
    served = GuardClient(system.data).get("/status")["last_good"]
    run_ostiary("down", data=system.data)
    run_ostiary("up", "--detach", data=system.data)
    assert GuardClient(system.data).get("/status")["last_good"] == served


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_users_sign_in_on_the_way_there_and_back_to_the_previous_release(
    system, database, tmp_path
):
    before = GuardClient(system.data).get("/status")["last_good"]
    previous, following = tmp_path / "previous", tmp_path / "next"
    copy_release(system.data, release_of(system.data, before), previous)
    write_next_release(following, tmp_path / "runs")
    with users(system, tmp_path) as traffic:
        (revision,) = rows(database, "SELECT version_num FROM alembic_version")
        result = promote(system, following, traffic)
        (note,) = [each for each in result["reasons"] if each["code"] == "store_migrated"]
        assert f"from {revision} to {int(revision) + 1:04}" in note["text"]
        assert list((system.data / "rehearsal").glob("*")) == [], "a copy of the store is left"
        # The previous release runs on the newer tables as if it knew them.
        promote(system, previous, traffic)
    assert GuardClient(system.data).get("/status")["last_good"] == before
