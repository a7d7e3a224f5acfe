"""Hash processes as they are: started, killed, stopped, and without the one that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher as Argon2

from ostiary.identity.passwords.hash_pool import HashPool
from ostiary.identity.passwords.hash_process import MATCH, MISMATCH, request_verification
from ostiary.kernel.processes import identify, is_alive

SECONDS_MAX = 60
CHEAP = Argon2(time_cost=1, memory_cost=8192, parallelism=1)
MADE = CHEAP.hash("correct horse")
RIGHT = request_verification(MADE, b"correct horse")


def children_of(pid: int) -> list[int]:
    found = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in found for child in children]


def hashing(pid: int) -> set[int]:
    return {each for each in children_of(pid) if b"hash_process.py" in of(each, "cmdline")}


def of(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def cpu_ticks(pid: int) -> int:
    fields = of(pid, "stat").rpartition(b")")[2].split()
    return int(fields[11]) if fields else 0


def until(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


class Started:
    """Two processes that hash, and which they are."""

    def __init__(self) -> None:
        self._others = hashing(os.getpid())
        self.pool = HashPool(2)
        self.pool.start()
        # The kernel's list of children may be short of one while it changes.
        until(lambda: len(self.now()) == 2)
        self.pids = self.now()

    def now(self) -> set[int]:
        """Return which they are now: one that ended has a successor when it is needed."""
        return hashing(os.getpid()) - self._others


@pytest.fixture
def started() -> Iterator[Started]:
    processes = Started()
    yield processes
    processes.pool.close()


def test_a_process_that_was_killed_is_replaced_and_nobody_notices(started) -> None:
    for pid in started.pids:
        os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        assert started.pool.ask(RIGHT) == MATCH
    assert started.pool.ask(request_verification(MADE, b"wrong")) == MISMATCH
    assert not started.pids & hashing(os.getpid())


def test_a_process_killed_while_it_hashes_costs_its_request_nothing_but_time(started) -> None:
    slow = Argon2(time_cost=12, memory_cost=65_536, parallelism=1).hash("correct horse")
    request = request_verification(slow, b"correct horse")
    with ThreadPoolExecutor(1) as threads:
        # Where this process stands still in between, the answer comes before the kill.
        until(lambda: met_a_hash_under_way(started, threads, request))


def met_a_hash_under_way(started: Started, threads: ThreadPoolExecutor, request: bytes) -> bool:
    """Ask, kill who hashes, and have the answer; return whether it came from a successor."""
    # They take turns, so both have begun by then, and whatever they do next is hashing.
    for _ in range(2):
        assert started.pool.ask(RIGHT) == MATCH
    until(lambda: len(started.now()) == 2)
    ticks = {pid: cpu_ticks(pid) for pid in started.now()}
    asked = threads.submit(started.pool.ask, request)
    until(lambda: asked.done() or any(cpu_ticks(pid) > ticks[pid] + 5 for pid in ticks))
    for pid in ticks:
        os.kill(pid, signal.SIGKILL)
    assert asked.result(SECONDS_MAX) == MATCH
    # A process is replaced when it has left its request unanswered, and not before.
    return not started.now() <= ticks.keys()


def test_they_stand_back_and_hold_no_secret_in_arguments_or_environment(started) -> None:
    assert started.pool.ask(RIGHT) == MATCH
    for pid in started.pids:
        until(lambda pid=pid: os.getpriority(os.PRIO_PROCESS, pid) > 0)
        assert os.getsid(pid) == pid
        assert b"correct horse" not in of(pid, "cmdline") + of(pid, "environ")
        names = {part.partition(b"=")[0] for part in of(pid, "environ").split(b"\0")}
        assert names <= {b"", b"PYTHONPATH", b"PYTHONDONTWRITEBYTECODE", b"LD_LIBRARY_PATH"}
        # Its own end of the socket, the discarded output, and the log: no socket of the replica.
        assert {each.name for each in Path(f"/proc/{pid}/fd").iterdir()} <= {"0", "1", "2"}


def test_their_sessions_stand_back_as_well_where_the_kernel_groups_by_session(started) -> None:
    assert started.pool.ask(RIGHT) == MATCH
    groups = Path("/proc/self/autogroup").exists()
    for pid in started.pids:
        until(lambda pid=pid: not groups or b" nice 5" in of(pid, "autogroup"))


def test_they_end_with_whoever_started_them_even_by_sigkill() -> None:
    code = (
        "from ostiary.identity.passwords.hash_pool import HashPool\n"
        "pool = HashPool(2)\npool.start()\nprint('started', flush=True)\nimport time\n"
        f"time.sleep({SECONDS_MAX})"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"started\n"
        until(lambda: len(hashing(owner.pid)) == 2)
        left = [record for pid in hashing(owner.pid) if (record := identify(pid))]
        owner.kill()
    until(lambda: not any(is_alive(each) for each in left))


def test_closing_ends_them_and_leaves_no_zombie() -> None:
    processes = Started()
    assert processes.pool.ask(RIGHT) == MATCH
    processes.pool.close()
    assert not [pid for pid in processes.pids if Path(f"/proc/{pid}").exists()]
