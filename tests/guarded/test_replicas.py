"""Replicas and Envoys that hang, die or run out: each is followed by another one."""

import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ostiary.drills.population import create_application, create_people, plan_traffic
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.guarded.users import require_served
from tests.guarded.waiting import SECONDS_MAX, wait_for
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """One system, which every test leaves whole."""
    data = tmp_path_factory.mktemp("replicas") / "data"
    try:
        up = run_ostiary("up", "--detach", "--port", str(free_port()), data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        call_ostiary("down", data=data)


def members(system: RunningSystem) -> list[dict[str, Any]]:
    return list(GuardClient(system.data).get("/status")["replicas"])


def edge_pids(system: RunningSystem) -> list[int]:
    return [each["pid"] for each in GuardClient(system.data).get("/status")["edge"]]


def wait_for_followers(system: RunningSystem, *gone: int) -> list[dict[str, Any]]:
    """Wait until two members serve and none of the processes that are to be gone is left."""

    def healed() -> list[dict[str, Any]]:
        found = members(system)
        is_whole = len(found) == 2 and not {each["pid"] for each in found} & set(gone)
        return found if is_whole and not any(map(runs, gone)) else []

    return wait_for(healed, "the followers")


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()


def test_all_replicas_killed_are_followed_and_the_status_says_how_they_ended(system):
    killed = [each["pid"] for each in members(system)]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    found = wait_for_followers(system, *killed)
    assert [each["restarts"] for each in found] == [1, 1]
    assert {each["last_exit"]["how"] for each in found} == {"died (signal SIGKILL)"}
    assert GuardClient(system.data).get("/status")["replicas_missing"] == []


def test_a_replica_that_hangs_is_replaced(system):
    hanging = members(system)[0]["pid"]
    os.kill(hanging, signal.SIGSTOP)
    wait_for_followers(system, hanging)


def test_an_envoy_that_hangs_is_killed_and_followed(system):
    before = edge_pids(system)
    os.kill(before[0], signal.SIGSTOP)
    wait_for(lambda: len(now := edge_pids(system)) == 2 and before[0] not in now, "another Envoy")
    assert before[1] in edge_pids(system)


def test_users_notice_nothing_of_a_replica_out_of_file_descriptors(system, tmp_path):
    client = GuardClient(system.data)
    people = invent_people(10, SeededRandom(1))
    create_people(client, people)
    application = create_application(client, system.issuer)
    plan = plan_traffic(system.issuer, application, people, rate=3, seconds=600, seed=1)
    with flowing(plan, tmp_path, SystemClock()) as traffic, ExitStack() as connections:
        traffic.wait_for_visits(3, SECONDS_MAX)
        victim = members(system)[0]
        open_files = [int(each.name) for each in Path(f"/proc/{victim['pid']}/fd").iterdir()]
        limit = max(open_files) + 3
        resource.prlimit(victim["pid"], resource.RLIMIT_NOFILE, (limit, limit))
        for _ in range(5):
            address = ("127.0.0.1", victim["port"])
            connections.enter_context(socket.create_connection(address, SECONDS_MAX))
        wait_for_followers(system, victim["pid"])
        ledger = traffic.stop()
    require_served(ledger.entries)
