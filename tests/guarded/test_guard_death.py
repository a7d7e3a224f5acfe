"""The guard dies at any moment: users notice nothing, and the next guard puts the change away."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.drills.population import create_application, create_people, plan_traffic
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.guarded import releases
from tests.guarded.conftest import QUICK, ReleaseMaker, maker_of_releases, running_with
from tests.guarded.users import require_served
from tests.guarded.waiting import SECONDS_MAX, wait_for
from tests.system import RunningSystem, call_ostiary

# One system for all of them, in their order; `tests/workers.py` knows that.
pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """A system whose guard is killed again and again; the last test stops it."""
    directory = tmp_path_factory.mktemp("system")
    settings = directory / "ostiary.toml"
    # No change here is to be promoted: a bake ends when its guard does.
    settings.write_text(QUICK.replace("bake_seconds = 2.0", "bake_seconds = 600.0"))
    with running_with(settings, directory / "data") as system:
        yield system


@pytest.fixture
def release(guarded: RunningSystem, tmp_path: Path) -> ReleaseMaker:
    return maker_of_releases(guarded, tmp_path)


def propose(client: GuardClient, release: Path) -> str:
    """Propose a release once nothing else is under way, and return the id of the change."""
    wait_for(lambda: client.get("/status")["change"] is None, "the end of the change before")
    # The same one was rolled back before, for no fault of its own.
    body = {"releases": {"identity": str(release)}, "again": True}
    return str(client.post("/changes", body)["change"])


def guard_pid(system: RunningSystem) -> int:
    return int(json.loads((system.data / "guard.json").read_text())["pid"])


def kill_guard(system: RunningSystem) -> int:
    pid = guard_pid(system)
    os.kill(pid, signal.SIGKILL)
    return pid


def wait_for_another_guard(system: RunningSystem, dead: int) -> None:
    client = GuardClient(system.data)
    wait_for(lambda: client.get("/status")["guard_pid"] != dead, "another guard")


@pytest.mark.parametrize("phase", ["starting", "rehearsing", "pinned", "baking"])
def test_a_guard_killed_during_a_change_is_followed_by_one_that_rolls_it_back(
    guarded, release, phase
):
    client = GuardClient(guarded.data)
    before = client.get("/status")
    change = propose(client, release(releases.HEALTHY))
    path = f"/changes/{change}"
    wait_for(lambda: (client.get(path)["live"] or {}).get("phase") == phase, f"phase {phase}")
    wait_for_another_guard(guarded, kill_guard(guarded))
    settled = wait_for(lambda: (v := client.get(path))["verdict"] and v, "the change's end")
    assert settled["verdict"] == "rolled_back", settled
    assert "guard_restarted" in {reason["code"] for reason in settled["reasons"]}
    after = client.get("/status")
    assert after["last_good"] == before["last_good"]
    assert [one["pid"] for one in after["replicas"]] == [one["pid"] for one in before["replicas"]]


def test_users_notice_nothing_when_the_guard_dies_with_a_canary_under_traffic(
    guarded, release, tmp_path: Path
):
    """That is the phase `stepping`: it ends as the others do."""
    client = GuardClient(guarded.data)
    people = invent_people(10, SeededRandom(1))
    create_people(client, people)
    application = create_application(client, guarded.issuer)
    plan = plan_traffic(guarded.issuer, application, people, rate=3, seconds=300, seed=1)
    with flowing(plan, tmp_path, SystemClock()) as traffic:
        traffic.wait_for_visits(5, SECONDS_MAX)
        change = propose(client, release(releases.HEALTHY))
        path = f"/changes/{change}"
        wait_for(lambda: client.get(path)["share"], "the first user's share")
        wait_for_another_guard(guarded, kill_guard(guarded))
        verdict = wait_for(lambda: client.get(path)["verdict"], "the change's end")
        ledger = traffic.stop()
    assert verdict == "rolled_back"
    require_served(ledger.entries)


def test_replicas_and_edge_serve_on_without_a_guard_and_are_adopted(guarded):
    before = guarded.status()
    wait_for_another_guard(guarded, kill_guard(guarded))
    after = guarded.status()
    assert [one["pid"] for one in after["replicas"]] == [one["pid"] for one in before["replicas"]]


def test_a_replica_that_is_killed_is_replaced(guarded):
    client = GuardClient(guarded.data)
    victim = client.get("/status")["replicas"][0]
    os.kill(victim["pid"], signal.SIGKILL)

    def healed() -> bool:
        replicas = client.get("/status")["replicas"]
        return len(replicas) == 2 and victim["pid"] not in {one["pid"] for one in replicas}

    wait_for(healed, "a new replica")


def test_an_envoy_that_is_killed_is_replaced(guarded):
    client = GuardClient(guarded.data)
    victim = client.get("/status")["edge"][0]["pid"]
    os.kill(victim, signal.SIGKILL)
    wait_for(
        lambda: (
            (pids := {one["pid"] for one in client.get("/status")["edge"]})
            and victim not in pids
            and len(pids) == 2
        ),
        "a new Envoy",
    )


def test_down_stops_everything_even_when_guard_and_keeper_are_gone(guarded):
    pid = guard_pid(guarded)
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    result = call_ostiary("down", data=guarded.data)
    assert result.returncode == 0, result.stderr
    assert call_ostiary("status", data=guarded.data).returncode == 6
