"""A real Redis server for tests: the machine's own, or the one that a wheel brings."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.availability import find_redis

SOCKET_MODE = "700"
START_SECONDS_MAX = 30


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Path]:
    """The socket of one empty Redis for the whole test run, stopped and deleted at its end."""
    program = find_redis()
    assert program is not None, "a test without the mark `redis` asked for Redis"
    # Not below pytest's own directory: a socket's path may be 107 characters long at most.
    scratch = Path(tempfile.mkdtemp(prefix="ostiary-redis-"))
    socket = scratch / "redis.sock"
    process = subprocess.Popen(
        [
            str(program),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", SOCKET_MODE),
            *("--save", "", "--appendonly", "no", "--dir", str(scratch)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ends = time.monotonic() + START_SECONDS_MAX
        while not socket.is_socket():
            assert process.poll() is None, "Redis has ended"
            assert time.monotonic() < ends, "Redis does not start"
            time.sleep(0.02)
        yield socket
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(scratch)
