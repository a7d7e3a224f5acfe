"""A replica that cannot take a connection must not look healthy over one that it has."""

import http.client
import resource
import signal
import sys
import time
from pathlib import Path

from ostiary.kernel.processes import send_signal, spawn

SECONDS_MAX = 60
CODE = """
import socket, sys, time
from ostiary.identity.health import HealthListener
listener = HealthListener(("127.0.0.1", 0), name="n", snapshot="s", ready=lambda: True,
                          metrics=lambda: b"")
listener.start()
print(listener._server.server_address[1], flush=True)
time.sleep(600)
"""


def status(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/live")
    response = connection.getresponse()
    response.read()
    return response.status


def test_out_of_file_descriptors_it_says_so_over_a_kept_connection_and_recovers(tmp_path: Path):
    log = tmp_path / "log"
    process = spawn([sys.executable, "-c", CODE], log=log)
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while not log.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        kept = http.client.HTTPConnection("127.0.0.1", int(log.read_text()), timeout=SECONDS_MAX)
        assert status(kept) == 200
        limit = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        used = max(int(each.name) for each in Path(f"/proc/{process.pid}/fd").iterdir()) + 1
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used, limit[1]))
        assert status(kept) == 503
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limit)
        assert status(kept) == 200
        kept.close()
    finally:
        send_signal(process, signal.SIGKILL)
