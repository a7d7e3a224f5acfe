"""What a process is allowed, what it uses, and how its end is told."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ostiary.kernel.processes import how_it_ended, identify, is_alive, send_signal, spawn
from ostiary.runtime.resources import limits, memory_max_mib, memory_mib

SECONDS_MAX = 60


def run(code: str, log: Path, **options: object):
    return spawn([sys.executable, "-c", code], log=log, **options)  # type: ignore[arg-type]


def wait_for_end(record) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while is_alive(record):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_password_hashes_come_on_top_of_the_memory_that_is_set():
    settings = {"memory_max_mib": 300, "threads": 4, "hash_memory_kib": 65_536}
    assert memory_max_mib(settings | {"hash_concurrency": 1}) == 300 + 4 * 64 + 8
    assert memory_max_mib(settings | {"hash_concurrency": 16}) == 300 + 16 * (64 + 8)
    assert memory_max_mib({"threads": 4, "hash_concurrency": 2}) == 512 + 2 * 8


def test_where_the_places_for_hashes_are_left_open_the_replicas_share_the_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(24)))
    settings = {"memory_max_mib": 300, "threads": 4, "hash_memory_kib": 65_536}
    assert memory_max_mib(settings | {"replicas": 3, "hash_concurrency": 0}) == 300 + 8 * (64 + 8)
    assert (
        memory_max_mib(settings | {"replicas": 12, "hash_concurrency": 0}) == 300 + 4 * 64 + 2 * 8
    )


def test_memory_of_this_process_is_measured_and_of_none_is_nothing():
    record = identify(os.getpid())
    assert record is not None
    before = memory_mib(record)
    held = bytearray(b"x" * 64 * 1024 * 1024)
    assert memory_mib(record) - before > len(held) / 1_048_576 / 2
    gone = type(record)(2**22 + 1, 1, record.boot_id)
    assert memory_mib(gone) == 0


def test_the_memory_of_children_counts_whichever_thread_started_them():
    code = "held = bytearray(b'x' * 64 * 1024 * 1024); print('ready', flush=True); input()"
    started: list[subprocess.Popen[str]] = []

    def start() -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen([sys.executable, "-c", code], text=True, **pipes))

    record = identify(os.getpid())
    assert record is not None
    before = memory_mib(record)
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with started[0] as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert memory_mib(record) - before > 32
        child.communicate("\n")


def test_limits_are_set_on_the_new_process_and_never_above_the_hard_one(tmp_path: Path):
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], flush=True)"
    log = tmp_path / "log"
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits({})[resource.RLIMIT_NOFILE]
    record = run(
        f"import time; time.sleep(0.2); {code}", log, limits={resource.RLIMIT_NOFILE: wanted}
    )
    wait_for_end(record)
    assert int(log.read_text()) == min(wanted, hard if hard >= 0 else wanted)


@pytest.mark.parametrize(
    ("code", "number", "words"),
    [
        ("raise SystemExit(3)", None, "exit code 3"),
        ("import time; time.sleep(600)", signal.SIGKILL, "signal SIGKILL"),
    ],
)
def test_how_a_child_ended_is_known_once_it_was_seen(tmp_path: Path, code, number, words):
    record = run(code, tmp_path / "log")
    if number is not None:
        send_signal(record, number)
    wait_for_end(record)
    assert how_it_ended(record) == words


def test_how_a_stranger_ended_is_not_known():
    record = identify(os.getpid())
    assert record is not None
    assert how_it_ended(record) is None


def test_whichever_of_several_threads_sees_the_end_first_all_of_them_know_how(tmp_path: Path):
    for _ in range(20):
        record = run("pass", tmp_path / "log")
        start = threading.Barrier(8)

        def look(record=record, start=start) -> str | None:
            start.wait(SECONDS_MAX)
            wait_for_end(record)
            return how_it_ended(record)

        with ThreadPoolExecutor(8) as pool:
            seen = [pool.submit(look) for _ in range(8)]
            assert {each.result() for each in seen} == {"exit code 0"}


MANY_THREADS = """
import threading, time
held = bytearray(b"x" * 80_000_000)
for _ in range(200):
    threading.Thread(target=time.sleep, args=(600,)).start()
print("up", flush=True)
"""


def test_how_a_process_of_many_threads_was_killed_is_known_as_soon_as_it_is_gone(tmp_path):
    for number in range(5):
        log = tmp_path / f"{number}.log"
        record = run(MANY_THREADS, log)
        deadline = time.monotonic() + SECONDS_MAX
        while "up" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)

        send_signal(record, signal.SIGKILL)
        # Without a pause: the first thread is a zombie while the others still end.
        while is_alive(record):
            assert time.monotonic() < deadline

        assert how_it_ended(record) == "signal SIGKILL"
