"""The data directory's file system turns read-only under a running system, as after a disk error.

Whoever is signed in goes on, what has to be written says so, everything can be stopped, and when
the disk is mended all that was acknowledged is there.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ostiary.kernel import processes
from tests.disk import Disk, failing_disk
from tests.system import RunningSystem, call_ostiary, free_port, log_tails, run_ostiary

pytestmark = [pytest.mark.system, pytest.mark.disk]

EMAIL, PASSWORD = "ada@example.org", "correct horse battery staple"
SECONDS_MAX = 60


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with failing_disk(tmp_path) as disk:
        yield disk


def browser(system: RunningSystem) -> httpx.Client:
    return httpx.Client(base_url=system.issuer, timeout=30, trust_env=False)


def sign_in(client: httpx.Client) -> httpx.Response:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert found
    form = {"csrf_token": found[1], "email": EMAIL, "password": PASSWORD}
    return client.post("/sign-in", data=form)


def require_what_is_known_is_served(system: RunningSystem, signed_in: httpx.Client) -> None:
    assert signed_in.get("/oauth2/jwks").json()["keys"]
    assert EMAIL in signed_in.get("/demo").text
    with browser(system) as stranger:
        answer = sign_in(stranger)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def until(holds: Callable[[], object], data: Path) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, log_tails(data)
        time.sleep(0.05)


def recorded(system: RunningSystem) -> dict[str, processes.ProcessRecord]:
    """Return the processes of a system by what they are."""
    keeper = json.loads((system.data / "keeper.json").read_text())["pid"]
    found = {
        "keeper": processes.identify(keeper),
        "guard": processes.identify(system.up["guard_pid"]),
    }
    for kind in ("edge", "replicas"):
        for number, each in enumerate(system.up[kind]):
            found[f"{kind} {number}"] = processes.identify(each["pid"])
    return {name: record for name, record in found.items() if record is not None}


@pytest.fixture
def system(disk: Disk) -> Iterator[RunningSystem]:
    """A system on the disk, with a user."""
    data = disk.path / "data"
    try:
        up = run_ostiary("up", "--detach", "--port", str(free_port()), data=data)
        system = RunningSystem(data, up, iter(()))
        system.ostiary("user", "add", EMAIL, "--password-stdin", password=PASSWORD)
        yield system
    finally:
        call_ostiary("down", data=data)


def require_stopped(system: RunningSystem, running: dict[str, processes.ProcessRecord]) -> None:
    stopped = call_ostiary("down", data=system.data)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr + log_tails(system.data)
    assert [name for name, record in running.items() if processes.is_alive(record)] == []


def test_a_system_whose_guard_lives_can_be_stopped(disk: Disk, system: RunningSystem) -> None:
    running = recorded(system)
    assert len(running) == 6
    disk.fail()
    assert system.status()["running"]
    require_stopped(system, running)


def test_people_go_on_without_a_guard_and_all_that_was_acknowledged_comes_back(
    disk: Disk, system: RunningSystem
) -> None:
    """A guard that cannot journal that a replica died ends: nothing goes on unrecorded."""
    running, data = recorded(system), system.data
    with browser(system) as signed_in:
        assert sign_in(signed_in).status_code == 303
        disk.fail()
        require_what_is_known_is_served(system, signed_in)
        os.kill(running["replicas 0"].pid, signal.SIGKILL)
        until(lambda: not processes.is_alive(running["guard"]), data)
        require_what_is_known_is_served(system, signed_in)
    assert processes.is_alive(running["keeper"])
    refused = call_ostiary("up", "--detach", data=data)
    assert (refused.returncode, "read-only" in refused.stdout) == (2, True)
    require_stopped(system, running)

    disk.mend()
    port = system.issuer.rpartition(":")[2]
    again = RunningSystem(data, run_ostiary("up", "--detach", "--port", port, data=data), iter(()))
    # Sessions need not survive this, as after a power cut; accounts must.
    with browser(again) as stranger:
        assert sign_in(stranger).status_code == 303
