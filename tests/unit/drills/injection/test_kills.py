"""Processes that are killed: real ones, recorded on disk as those of a system are."""

import json
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.drills.beside import beside
from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.injection import restoring, running
from ostiary.drills.injection.registry import injected
from ostiary.drills.mode import Mode
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import NotRunningError, OstiaryError
from ostiary.kernel.processes import is_alive, send_signal, spawn
from ostiary.runtime.ports import Replica
from tests.unit.drills.injection.places import faults_of, order_of, place_of

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]
SECONDS_MAX = 20


class Machine:
    """Processes that do nothing, recorded as replicas, Envoys, guard and keeper."""

    def __init__(self, directory):
        self.data = directory
        self.started = []
        for name in ("replicas", "edge"):
            (directory / name).mkdir()

    def process(self):
        record = spawn(SLEEP, log=self.data / "log")
        self.started.append(record)
        return record

    def replica(self, seat, name=None, service="identity"):
        record, name = self.process(), name or f"identity-{len(self.started)}"
        replica = Replica(
            service=service,
            name=name,
            snapshot="s-1",
            release="r",
            host="127.0.0.1",
            port=1,
            health_port=2,
            process=record,
            log=self.data / "log",
            started_at=f"2026-11-01T00:00:{len(self.started):02}Z",
            seat=seat,
        )
        (self.data / f"replicas/{name}.json").write_text(json.dumps(replica.to_json()))
        return record

    def envoy(self, index):
        record = self.process()
        content = json.dumps({"record": record.to_json()})
        (self.data / f"edge/envoy-{index}.json").write_text(content)
        return record

    def guard(self, name="guard.lock"):
        record = self.process()
        (self.data / name).write_text(json.dumps(record.to_json()))
        return record

    def close(self):
        for record in self.started:
            send_signal(record, signal.SIGKILL)


@pytest.fixture
def machine(tmp_path):
    (tmp_path / "data").mkdir()
    machine = Machine(tmp_path / "data")
    yield machine
    machine.close()


class Guard:
    """Answers once it is told that it may."""

    def __init__(self):
        self.answers = threading.Event()
        self.asked = 0

    def get(self, path):
        self.asked += 1
        if not self.answers.is_set():
            raise NotRunningError("not_running", "No guard answers.")
        return {"path": path}


def place_on(machine, fault, mode=Mode.UNGUARDED, guard=None):
    order = replace(order_of(fault), mode=mode)
    place = place_of(order, machine.data.parent, machine.data)
    return replace(place, system=replace(place.system, guard=guard or place.system.guard))


def befallen(machine, fault, **how):
    place = place_on(machine, fault, **how)
    return injected(place, faults_of(place.order))


def until(met):
    deadline = SystemClock().monotonic() + SECONDS_MAX
    while not met():
        assert SystemClock().monotonic() < deadline
        time.sleep(0.02)


def is_stopped(record):
    text = Path(f"/proc/{record.pid}/stat").read_text()
    return text.rpartition(")")[2].split()[0] == "T"


def test_replicas_end_one_after_the_other_and_the_removal_waits_for_their_followers(machine):
    first, second, third = (machine.replica(seat) for seat in range(3))
    other = machine.replica(0, name="orders-1", service="orders")
    fault = {"kind": "replica_killed", "count": 2, "pause_seconds": 0.1}

    with befallen(machine, fault):
        assert not is_alive(first), "it is dead when the fault is in effect"
        until(lambda: not is_alive(second))
        assert [one.seat for one in running.replicas(machine.data)] == [2]
        machine.replica(0)
        machine.replica(1)
    assert is_alive(third)
    assert is_alive(other), "another service's replica is none of the login service"


def test_a_fault_that_ends_early_kills_nobody_any_more(machine):
    _first, second = machine.replica(0), machine.replica(1)

    with befallen(machine, {"kind": "replica_killed", "count": 2, "pause_seconds": 60}):
        machine.replica(0)
    assert is_alive(second)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "replica_killed", "count": 3}, "2 replicas run here, and 3 are to be killed"),
        ({"kind": "crash_loop", "count": 3}, "2 replicas run here, and 3 are to be killed"),
        ({"kind": "envoy_killed", "count": 2}, "1 Envoys run here, and 2 are to be killed"),
        ({"kind": "guard_killed"}, "No guard runs below a keeper here"),
        ({"kind": "clock_skew", "seat": 7}, "There is no replica in seat 7"),
        ({"kind": "key_unknown"}, "The signing keys are not in a file of SQLite"),
        ({"kind": "key_expired"}, "The signing keys are not in a file of SQLite"),
    ],
)
def test_what_cannot_be_injected_says_why_and_touches_nothing(machine, fault, told):
    everything = [machine.replica(0), machine.replica(1), machine.envoy(0), machine.guard()]

    with pytest.raises(FaultNotInjectableError, match=told), befallen(machine, fault):
        pass
    assert all(map(is_alive, everything))


def test_one_envoy_ends_or_both(machine):
    first, second = machine.envoy(0), machine.envoy(1)

    with befallen(machine, {"kind": "envoy_killed"}):
        assert (is_alive(first), is_alive(second)) == (False, True)
        first = machine.envoy(0)
    with befallen(machine, {"kind": "envoy_killed", "count": 2}):
        assert not is_alive(first)
        assert not is_alive(second)
        machine.envoy(0)
        machine.envoy(1)


def test_unguarded_the_guard_s_keeper_stands_still_until_the_fault_is_removed(machine):
    guard, keeper = machine.guard(), machine.guard("keeper.json")
    next_guard = Guard()

    with befallen(machine, {"kind": "guard_killed"}, guard=next_guard):
        assert not is_alive(guard)
        until(lambda: is_stopped(keeper))
        next_guard.answers.set()
    until(lambda: not is_stopped(keeper))
    assert next_guard.asked == 1


def test_guarded_the_guard_s_keeper_goes_on(machine):
    guard, keeper = machine.guard(), machine.guard("keeper.json")
    next_guard = Guard()
    next_guard.answers.set()

    with befallen(machine, {"kind": "guard_killed"}, mode=Mode.GUARDED, guard=next_guard):
        assert not is_alive(guard)
        assert not is_stopped(keeper)


def test_whatever_ends_the_drill_the_keeper_goes_on(machine):
    machine.guard()
    keeper = machine.guard("keeper.json")
    fault = {"kind": "guard_killed"}

    with pytest.raises(SystemExit), befallen(machine, fault, guard=Guard()):
        raise SystemExit(143)
    until(lambda: not is_stopped(keeper))


def test_a_guard_that_does_not_come_back_is_told(machine, monkeypatch):
    monkeypatch.setattr(restoring, "RESTORED_SECONDS_MAX", 0.0)
    machine.guard()
    machine.guard("keeper.json")
    fault = {"kind": "guard_killed"}

    with (
        pytest.raises(OstiaryError, match="after the fault was removed no guard answers"),
        befallen(machine, fault, guard=Guard()),
    ):
        pass


def test_a_guard_that_stands_still_goes_on_before_anybody_waits_for_it(machine):
    machine.replica(0)
    guard = machine.guard()
    send_signal(guard, signal.SIGSTOP)

    with befallen(machine, {"kind": "replica_killed"}):
        assert is_stopped(guard)
        machine.replica(0)
    until(lambda: not is_stopped(guard))


def test_whoever_follows_in_a_crash_loop_ends_as_well_and_the_last_one_lives(machine):
    machine.replica(0)
    neighbour = machine.replica(1)

    with befallen(machine, {"kind": "crash_loop", "lives_seconds": 0.0}):
        followers = [machine.replica(0)]
        until(lambda: not is_alive(followers[-1]))
        followers.append(machine.replica(0))
        until(lambda: not is_alive(followers[-1]))
        # Started in a seat that the loop does not hit.
        machine.replica(1)
    assert is_alive(machine.replica(0)), "the loop has ended with the fault"
    assert is_alive(neighbour)


def test_what_fails_beside_the_drill_is_not_lost():
    def fail(_ended):
        raise OstiaryError("broken", "It broke.")

    with pytest.raises(OstiaryError, match="It broke"), beside(fail):
        pass


def test_what_ends_the_drill_comes_before_what_failed_beside_it():
    def fail(_ended):
        raise OstiaryError("broken", "It broke.")

    with pytest.raises(KeyboardInterrupt), beside(fail):
        raise KeyboardInterrupt
