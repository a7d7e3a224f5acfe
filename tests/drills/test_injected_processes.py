"""Processes of a real system that are killed, and attacks on it, one fault after the other.

The guard does what it does: what ended runs again when the removal of the fault returns.
"""

import json
import time
from dataclasses import replace

import pytest

from ostiary.drills.inhabited import inhabited
from ostiary.drills.injection import running
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.registry import injected
from ostiary.drills.injection.surroundings import Surroundings
from ostiary.drills.ledger import Came
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.recording import Recorder
from ostiary.drills.scenarios.model import ScenarioFile
from ostiary.drills.scenarios.reading import Scenario
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.processes import is_alive

pytestmark = pytest.mark.system
USERS, SEED = 10, 5
SECONDS_MAX = 60


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    clock = SystemClock()
    with inhabited("", users=USERS, rate=5.0, seed=SEED, clock=clock) as lived_in:
        yield InjectionPlace(
            system=lived_in.system,
            order=order_of({"kind": "guard_killed"}),
            directory=tmp_path_factory.mktemp("faults"),
            plan=lived_in.plan,
            recorder=Recorder(clock, lambda _line: None),
            clock=clock,
            rng=SeededRandom(SEED),
            surroundings=Surroundings(),
        )
        # Whatever befell the system, all users can sign in when it is over.
        with lived_in.visited() as traffic:
            until(lambda: len(signed_in(traffic.entries())) == USERS)


def signed_in(entries):
    return {one.user for one in entries if one.action == "userinfo" and one.came is Came.GRANTED}


def order_of(fault):
    content = ScenarioFile.model_validate(
        {
            "title": "Ours",
            "fault": {"description": "It befalls.", "inject": [fault]},
            "expected": {"affected": 0.5},
        }
    )
    return DrillOrder(Scenario("ours", content), Mode.GUARDED, None, seed=SEED)


def befallen(place, **fault):
    order = order_of(fault)
    return injected(replace(place, order=order), order.scenario.content.fault.inject)


def until(met):
    deadline = SystemClock().monotonic() + SECONDS_MAX
    while not met():
        assert SystemClock().monotonic() < deadline
        time.sleep(0.1)


def test_an_envoy_that_is_killed_is_followed_by_another(place):
    before = running.envoys(place.system.data)
    with befallen(place, kind="envoy_killed"):
        assert not is_alive(before[0])
    after = running.envoys(place.system.data)
    assert len(before) == len(after) == 2
    assert set(after) != set(before)


def test_replicas_that_are_killed_are_followed_by_others(place):
    before = {one.own_process for one in running.replicas(place.system.data)}
    with befallen(place, kind="replica_killed", count=2, pause_seconds=5):
        until(lambda: not any(map(is_alive, before)))
    assert [one.seat for one in running.replicas(place.system.data)] == [0, 1]


def test_a_crash_loop_goes_on_as_long_as_somebody_is_started_and_ends(place):
    with befallen(place, kind="crash_loop", lives_seconds=0.1):
        told = place.recorder.moments
        until(lambda: sum("seat 0 was killed" in each.text for each in told[-2:]) == 2)
        assert [one.seat for one in running.replicas(place.system.data)].count(1) == 1
    assert {one.seat for one in running.replicas(place.system.data)} == {0, 1}


def test_a_guard_that_is_killed_is_followed_by_one_that_knows_the_same_processes(place):
    # What a guard has not finished starting, the next one does not adopt.
    until(lambda: len(place.system.guard.get("/status")["replicas"]) == 2)
    guard, replicas = running.guard(place.system.data), running.replicas(place.system.data)
    with befallen(place, kind="guard_killed"):
        assert not is_alive(guard)
    assert running.guard(place.system.data) != guard
    assert running.replicas(place.system.data) == replicas


def test_guesses_from_many_networks_open_nothing_and_slow_each_other_down(place):
    with befallen(place, kind="brute_force", rate=10, networks=20, seconds=1):
        until(lambda: limited(place))
    (attack,) = place.recorder.others
    assert {entry.came for entry in attack.ledger.entries} <= {Came.REFUSED, Came.FAULT}


def limited(place):
    """Return whether a replica has answered that somebody has to wait."""
    logs = [one.log.read_text(errors="replace") for one in running.replicas(place.system.data)]
    lines = [json.loads(line) for log in logs for line in log.splitlines() if line[:1] == "{"]
    return any(line.get("outcome") == "rate_limited" for line in lines)
