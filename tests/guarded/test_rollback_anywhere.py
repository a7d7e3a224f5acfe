"""A rollback from anywhere: from canary, from bake, after good, with whatever else is away.

One system on PostgreSQL for all, in this order: each test leaves it on the snapshot it began with.
"""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ostiary.drills.population import create_application, create_people, plan_traffic
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.guarded.conftest import require_nothing_left
from tests.guarded.releases import Fault, make_release
from tests.guarded.users import require_served, shed
from tests.guarded.waiting import wait_for
from tests.matrix.database import PostgresDatabase, postgres_database
from tests.outages.replica import CALLBACK, Person, Replica
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

# The tests go on from where the one before left the system; `tests/workers.py` knows that.
pytestmark = [pytest.mark.system, pytest.mark.postgres]

# Nothing but evidence, journeys or an order ends a canary or a bake here, and no canary waits long
# for a token to expire.
PACE = """
[guard]
steps = [50, 100]
step_seconds_min = 300.0
bake_seconds = 300.0
rehearsal_start_seconds_max = 30.0

[identity]
leeway_seconds = 1
"""


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresDatabase]:
    with postgres_database() as found:
        asyncio.run(found.start())
        yield found


@pytest.fixture(scope="module")
def system(
    database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSystem]:
    directory = tmp_path_factory.mktemp("rollback-anywhere")
    data, settings = directory / "data", directory / "ostiary.toml"
    settings.write_text(PACE)
    options = ["--config", str(settings), "--port", str(free_port()), "--database", database.url]
    try:
        yield RunningSystem(data, run_ostiary("up", "--detach", *options, data=data), count(1))
    finally:
        call_ostiary("down", data=data)
        require_nothing_left(data)


@pytest.fixture(scope="module")
def application(system: RunningSystem) -> str:
    """Register the application that people sign in to, and return its secret."""
    added = system.ostiary("client", "add", "app", "--redirect-uri", CALLBACK)
    return str(added["client_secret"])


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file by which releases of these tests begin to mint wrongly."""
    return tmp_path_factory.mktemp("switch") / "mint-wrongly"


class Releases:
    """Makes releases that mint rightly until the switch is there; each is another snapshot."""

    def __init__(self, system: RunningSystem, switch: Path, directory: Path) -> None:
        self._system, self._switch, self._directory = system, switch, directory
        self._numbers = count(1)

    def next(self) -> Path:
        line = '            "aud": self._audiences.of(client),\n'
        wrong = f'"urn:wrong" if __import__("os").path.exists({str(self._switch)!r}) else '
        number = next(self._numbers)
        fault = Fault(
            "ostiary/identity/oauth/minting.py",
            line,
            line.replace("self._", f"{wrong}self._").replace("\n", f"  # release {number}\n"),
        )
        last_good = self._system.status()["last_good"]
        target = self._directory / f"release-{number}"
        return make_release(self._system.data, last_good, target, fault)


@pytest.fixture(scope="module")
def releases(
    system: RunningSystem, switch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Releases:
    return Releases(system, switch, tmp_path_factory.mktemp("releases"))


ONE_PERSON = {1, 2}
"""Who is found where one person signed in; a journey that was broken off leaves its newcomer."""


def somebody(system: RunningSystem, secret: str) -> Person:
    """Return somebody who has signed in through the edge and uses the application."""
    edge = SimpleNamespace(port=int(system.issuer.rpartition(":")[2]))
    person = Person(cast("Replica", edge), system.new_account().email)
    person.secret = secret
    assert person.sign_in("correct horse battery staple").status_code == 303
    person.token = person.new_token()
    assert person.userinfo().status_code == 200
    return person


def is_signed_in(person: Person) -> bool:
    return "You are signed in" in person.browser.get("/demo").text


def propose(system: RunningSystem, release: Path, stage: str, phase: str) -> str:
    """Propose a release that starts at a stage, and return its change once it is in a phase."""
    guard = GuardClient(system.data)
    body = {"releases": {"identity": str(release)}, "from_stage": stage}
    change = str(guard.post("/changes", body)["change"])
    wait_for(lambda: phase_of(guard, change) == phase, f"phase {phase}")
    return change


def phase_of(guard: GuardClient, change: str) -> str | None:
    return (guard.get(f"/changes/{change}")["live"] or {}).get("phase")


def ended(system: RunningSystem, change: str) -> dict[str, Any]:
    """Return a change that has a verdict, and whose revocation is done where there is one."""
    guard = GuardClient(system.data)

    def settled() -> dict[str, Any] | None:
        found = guard.get(f"/changes/{change}")
        owed = found["revocation"] is not None and found["revocation"]["done_at"] is None
        return None if found["verdict"] is None or owed else found

    return cast("dict[str, Any]", wait_for(settled, "the change's end"))


def entries(system: RunningSystem, snapshot: str) -> list[dict[str, Any]]:
    """Return what the audit log tells of revoking a snapshot."""
    found = GuardClient(system.data).post("/audit", {"subject": snapshot})["entries"]
    return [each for each in found if each["operation"] == "snapshot_revoked"]


def kill_guard(system: RunningSystem) -> None:
    """Kill the guard and wait for the next one."""
    guard = GuardClient(system.data)
    pid = int(json.loads((system.data / "guard.json").read_text())["pid"])
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: guard.get("/status")["guard_pid"] != pid, "another guard")


def require_rolled_back(
    change: dict[str, Any], system: RunningSystem, last_good: str, *, shed_meanwhile: int = 0
) -> None:
    assert change["verdict"] == "rolled_back", change
    assert (change["users_affected"] or 0) <= shed_meanwhile, change
    told = change["withdrawal"]
    assert told["edge_seconds"] is not None
    assert told["journeys_seconds"] >= told["edge_seconds"]
    assert "unproven" not in {reason["code"] for reason in change["reasons"]}
    status = system.status()
    assert (status["last_good"], status["change"]) == (last_good, None)
    assert {one["snapshot"] for one in status["replicas"]} == {last_good}


def test_from_bake_wrong_tokens_are_taken_back_by_themselves_and_nothing_else(
    system, application, releases, switch
):
    last_good = system.status()["last_good"]
    before = somebody(system, application)
    change = propose(system, releases.next(), "bake", "baking")
    during = somebody(system, application)
    switch.touch()
    try:
        found = ended(system, change)
    finally:
        switch.unlink()
    require_rolled_back(found, system, last_good)
    revoked = found["revocation"]
    assert "wrong" in revoked["because"] or "audience" in revoked["because"], revoked
    assert revoked["sessions"] >= 1, revoked
    assert revoked["users"] in ONE_PERSON, revoked
    assert revoked["keys"] >= 1
    assert not is_signed_in(during)
    assert during.userinfo().status_code == 401
    assert is_signed_in(before)
    assert before.userinfo().status_code == 200
    (entry,) = entries(system, found["snapshot"])
    assert entry["details"]["users"] == revoked["users"]
    shown = call_ostiary("change", "show", change, data=system.data)
    assert json.loads(shown.stdout)["revocation"]["users"] == revoked["users"]


def test_from_bake_with_the_database_away_and_the_guard_killed_what_was_minted_is_owed(
    system, application, releases, database
):
    guard = GuardClient(system.data)
    last_good = system.status()["last_good"]
    change = propose(system, releases.next(), "bake", "baking")
    person = somebody(system, application)
    asyncio.run(database.stop())
    try:
        order = {"reason": "the claims are wrong", "revoke": True}
        guard.post(f"/changes/{change}/rollback", order)
        kill_guard(system)
        # The edge needs no database: nobody gets to the canary any more.
        wait_for(lambda: phase_of(guard, change) == "stopping", "the edge's word")
        status = wait_for(
            lambda: (s := guard.get("/status"))["revocations"][0]["problem"] and s, "what is owed"
        )
        (owed,) = status["revocations"]
        assert (owed["change"], owed["operator"], owed["done_at"]) == (change, None, None)
        refused = call_ostiary("snapshot", "revoke", last_good, "--reason", "x", data=system.data)
        assert refused.returncode == 3, refused.stdout
        assert json.loads(refused.stdout)["error"]["code"] == "snapshot_serves"
    finally:
        asyncio.run(database.start())
    found = ended(system, change)
    require_rolled_back(found, system, last_good)
    codes = [reason["code"] for reason in found["reasons"]]
    assert codes == ["operator_rollback"], "what was decided is not decided anew"
    assert found["revocation"]["users"] in ONE_PERSON, found["revocation"]
    assert not is_signed_in(person)
    assert person.userinfo().status_code == 401
    assert guard.get("/status")["revocations"] == []


def test_from_canary_with_an_envoy_killed_at_the_moment_of_the_write_and_then_the_guard(
    system, releases, tmp_path
):
    guard = GuardClient(system.data)
    last_good = system.status()["last_good"]
    people = invent_people(8, SeededRandom(3))
    create_people(guard, people)
    audience = create_application(guard, system.issuer)
    plan = plan_traffic(system.issuer, audience, people, rate=2, seconds=300, seed=3)
    # What the dead Envoy had taken is lost; a client that gets no answer asks once more.
    with flowing(plan.model_copy(update={"retry": True}), tmp_path, SystemClock()) as traffic:
        change = propose(system, releases.next(), "canary", "stepping")
        traffic.wait_for_visits(5, 60)
        os.kill(guard.get("/status")["edge"][0]["pid"], signal.SIGKILL)
        guard.post(f"/changes/{change}/rollback", {"reason": "look at the other Envoy"})
        kill_guard(system)
        found = ended(system, change)
        traffic.run_on(1)
        entries_seen = traffic.stop().entries
    require_rolled_back(found, system, last_good, shed_meanwhile=shed(entries_seen))
    assert found["revocation"] is None, "nobody is signed out by a rollback as such"
    require_served(entries_seen)
    wait_for(lambda: len(guard.get("/status")["edge"]) == 2, "both Envoys")


def test_after_good_the_old_release_is_started_again_and_the_bad_ones_tokens_end(
    system, application, releases
):
    guard = GuardClient(system.data)
    before = system.status()
    change = propose(system, releases.next(), "bake", "baking")
    wait_for(lambda: guard.get(f"/changes/{change}")["live"]["journeys_passed"], "journeys")
    guard.post(f"/changes/{change}/promote")
    promoted = ended(system, change)
    assert promoted["verdict"] == "promoted", promoted
    person = somebody(system, application)
    snapshot = promoted["snapshot"]
    assert {one["snapshot"] for one in guard.get("/status")["replicas"]} == {snapshot}
    result = call_ostiary(
        *("change", "rollback", change, "--revoke", "--reason", "a key is out"), data=system.data
    )
    assert result.returncode == 0, result.stdout
    told = json.loads(result.stdout)
    assert told["verdict"] == "promoted", told
    assert told["revocation"]["snapshot"] == snapshot
    assert told["revocation"]["users"] >= 1
    after = system.status()
    assert after["last_good"] == before["last_good"]
    assert {one["snapshot"] for one in after["replicas"]} == {before["last_good"]}
    assert not is_signed_in(person)
    assert person.userinfo().status_code == 401
    again = system.ostiary("snapshot", "revoke", snapshot, "--reason", "to be sure")
    assert again["order"] == told["revocation"]["order"], "it was done already"
    assert len(entries(system, snapshot)) == 1
    states = {
        key["state"]
        for key in system.ostiary("keys", "list")["keys"]
        if key["snapshot"] == snapshot
    }
    assert states == {"revoked"}
