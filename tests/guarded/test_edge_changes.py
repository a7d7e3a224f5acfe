"""Changes of `[edge]` on a running system: spread anew, held off, and put back."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.edge.bootstrap import CLUSTER_FILE
from ostiary.edge.clusters import STABLE_CLUSTER
from ostiary.edge.files import XdsDirectory
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.journal import Journal
from tests.guarded.conftest import require_nothing_left
from tests.guarded.sign_ins import signing_in
from tests.guarded.test_guard_death import kill_guard, wait_for_another_guard
from tests.guarded.users import LATE
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

# The tests go on from where the one before left the system; `tests/workers.py` knows that.
pytestmark = pytest.mark.system

SETTINGS = """
[identity]
replicas = 3
hash_concurrency = 1
hash_queue = 8
[edge]
weights = {weights}
[guard]
steps = [50, 100]
step_seconds_min = 1.0
bake_seconds = 1.0
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Three replicas, each of which hashes one password at a time and lets eight wait."""
    home = tmp_path_factory.mktemp("edge-changes")
    data = home / "data"
    settings = written(home, [1, 1, 1])
    try:
        up = run_ostiary(
            "up", "--detach", "--config", str(settings), "--port", str(free_port()), data=data
        )
        yield RunningSystem(data, up, count(1))
    finally:
        call_ostiary("down", data=data)
        require_nothing_left(data)


CAPACITY = "capacity = [400.0, 200.0, 200.0]\npeak = 100.0\n"
"""What makes the first replica's double part the even one."""


def written(home: Path, weights: list[int], more: str = "") -> Path:
    path = home / "ostiary.toml"
    path.write_text(SETTINGS.format(weights=weights).replace("[guard]", f"{more}\n[guard]"))
    return path


def propose(system: RunningSystem, settings: Path, *options: str) -> tuple[int, dict[str, Any]]:
    arguments = ("change", "propose", "--config", str(settings), "--wait", *options)
    result = call_ostiary(*arguments, data=system.data)
    return result.returncode, json.loads(result.stdout)


def rows(shown: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what stays the same of replicas while nobody dies, in the order of their seats."""
    names = ("seat", "name", "pid", "snapshot", "share")
    return sorted(tuple(row[name] for name in names) for row in shown["replicas"])


def replicas(system: RunningSystem) -> dict[int, tuple[str, float]]:
    """Return name and share of each replica by its seat."""
    rows = system.status()["replicas"]
    return {row["seat"]: (row["name"], row["share"]) for row in rows}


def stable_cluster(files: XdsDirectory) -> dict[str, Any]:
    """Return how the edge's file says that the last good replicas are spread."""
    file = files.read(CLUSTER_FILE)
    assert file is not None
    (cluster,) = [each for each in file.resources if each["name"] == STABLE_CLUSTER]
    return cluster


def seen_shares(system: RunningSystem, requests: int = 200) -> list[float]:
    """Send requests until the guard has counted so many; return the shares of the replicas."""
    with httpx.Client(base_url=system.issuer, timeout=20) as client:

        def counted() -> list[int]:
            for _ in range(50):
                assert client.get("/sign-in").status_code in {200, *LATE}
            seen: list[int] = system.status()["balance"]["counted"]
            return seen if sum(seen) >= requests else []

        seen = wait_for(counted, "the count")
    return [each / sum(seen) for each in seen]


def test_weights_change_on_the_running_system_and_hold_for_the_same_replicas(system, tmp_path):
    before = replicas(system)
    code, result = propose(system, written(tmp_path, [2, 1, 1], CAPACITY))
    assert (code, result["verdict"], result["stage"]) == (0, "promoted", "good"), result
    after = replicas(system)
    assert system.status()["last_good"] == result["snapshot"]
    assert {seat: name for seat, (name, _) in after.items()} == {
        seat: name for seat, (name, _) in before.items()
    }, "no replica is started for it"
    assert [share for _, (_, share) in sorted(after.items())] == [0.5, 0.25, 0.25]
    assert system.status()["balance"]["intended_shares"] == [0.5, 0.25, 0.25]
    assert seen_shares(system) == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


def test_the_next_guard_knows_whose_replicas_serve_under_which_weights(system):
    before = system.status()
    assert before["serving"] != before["last_good"]
    dead = kill_guard(system)
    wait_for_another_guard(system, dead)
    after = system.status()
    for each in ("last_good", "serving"):
        assert after[each] == before[each]
    assert rows(after) == rows(before)


def test_what_a_running_system_cannot_change_is_refused_by_name(system, tmp_path):
    code, result = propose(
        system, written(tmp_path, [2, 1, 1], f"{CAPACITY}envoys = 3\nconnections_max = 10")
    )
    assert code == 3
    assert "`edge.connections_max`, `edge.envoys`" in result["error"]["message"]
    assert "ostiary down" in result["error"]["hint"]


@pytest.mark.alone
def test_a_lopsided_balancer_is_held_off_under_load_and_names_the_replica(system, tmp_path):
    """Even forced: whether a replica is driven past its capacity is no matter of opinion."""
    before = system.status()
    heaviest, _ = replicas(system)[0]
    lopsided = written(tmp_path, [80, 10, 10], CAPACITY)
    # More than the first replica takes at once, and fewer than all three.
    with signing_in(system, people=14) as people:
        wait_for(lambda: sum(people.answers.values()) > 20, "sign-ins")
        code, result = propose(
            system, lopsided, "--from", "canary", "--force", "--reason", "all to the first"
        )
        wait_for(lambda: system.status()["change"] is None, "the end of the change")
    assert (code, result["verdict"]) == (5, "rolled_back"), result
    overload = [one for one in result["reasons"] if one["code"] == "replica_overloaded"]
    assert overload, result["reasons"]
    assert heaviest in overload[0]["text"]
    late = people.answers[503] + people.answers[504]
    assert result["users_affected"] <= late, (result["users_affected"], people.answers)
    # Past its capacity a replica would have sent many away; one that a busy machine keeps waiting
    # for a second is none of that.
    assert set(people.answers) <= {303, *LATE}, people.answers
    assert late <= 0.02 * people.answers.total(), people.answers
    after = system.status()
    assert after["last_good"] == before["last_good"]
    assert replicas(system)[0][1] == 0.5


def test_weights_that_somebody_edits_beside_the_guard_are_put_back(system):
    wait_for(lambda: system.status()["balance"]["lopsided"] is None, "an even edge")
    files = XdsDirectory(system.data / "edge")
    before = stable_cluster(files)
    edited = json.loads(json.dumps(before).replace('_weight": 2', '_weight": 40'))
    assert edited != before
    file = files.read(CLUSTER_FILE)
    assert file is not None
    others = (each for each in file.resources if each != before)
    files.write(replace(file, resources=(edited, *others)))
    with httpx.Client(base_url=system.issuer, timeout=20) as client:

        def put_back() -> bool:
            for _ in range(50):
                client.get("/sign-in")
            return stable_cluster(files) == before

        wait_for(put_back, "the edge put back")
    with closing(Journal(system.data / "guard.db", SystemClock())) as journal:
        (said,) = [each for each in journal.entries() if each.kind == "edge_lopsided"]
    # What was asked before the file was edited counts as well, and was even: how much of it there
    # is depends on the machine.
    told = re.match(r"Seat 0 gets (\d\d)% of the requests, not 50%", said.data["message"])
    assert told is not None, said.data
    assert 55 <= int(told[1]) <= 99, said.data
    assert seen_shares(system) == pytest.approx([0.5, 0.25, 0.25], abs=0.03)
    wait_for(lambda: system.status()["balance"]["lopsided"] is None, "an even edge")
