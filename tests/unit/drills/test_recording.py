import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep

import pytest

from ostiary.drills.recording import Recorder
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import Replica
from ostiary.runtime.replica_files import ReplicaFiles

METRICS = b"""\
ostiary_identity_hash_requests_total{priority="known",result="hashed"} 40.0
ostiary_identity_hash_requests_total{priority="known",result="shed"} 2.0
"""


class Listener(ThreadingHTTPServer):
    """Answers as a replica's health listener does, by saying `said`."""

    said: bytes


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.said)

    def log_message(self, *_):
        pass


@pytest.fixture
def listener():
    server = Listener(("127.0.0.1", 0), Handler)
    server.said = METRICS
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def keep_record(data, port, **told):
    """Write a replica down as the guard does."""
    replica = Replica(
        service=told.pop("service", "identity"),
        name=told.pop("name", "identity-a"),
        snapshot="s-1",
        release="r",
        host="127.0.0.1",
        port=1,
        health_port=port,
        process=ProcessRecord(1, 1, "boot"),
        log=Path("log"),
        started_at="2027-01-15T08:00:00Z",
        seat=1,
    )
    ReplicaFiles(data / "replicas").write_record(replica.name, replica.to_json())


def recorder():
    return Recorder(SystemClock(), lambda _: None)


def readings_of(data, count):
    """Return what is read until there are so many readings."""
    kept = recorder()
    with kept.reading_loads(data):
        deadline = monotonic() + 20
        while len(kept.readings) < count and monotonic() < deadline:
            sleep(0.01)
    return kept.readings


def test_moments_are_told_and_taken_down_in_their_order():
    told = []
    kept = Recorder(SystemClock(), told.append)

    first, second = kept.note("First."), kept.note("Then.")

    assert told == ["First.", "Then."] == [moment.text for moment in kept.moments]
    assert [moment.at for moment in kept.moments] == [first, second]
    assert first <= second


def test_each_replica_is_asked_what_it_was_asked_for(listener, tmp_path):
    keep_record(tmp_path, listener.server_address[1])

    (reading,) = readings_of(tmp_path, 1)[:1]

    assert (reading.asked, reading.shed) == (42.0, 2.0)
    assert (reading.replica, reading.snapshot, reading.seat) == ("identity-a", "s-1", 1)


def test_what_does_not_answer_or_talks_nonsense_keeps_nobody_from_being_read(listener, tmp_path):
    nonsense = Listener(("127.0.0.1", 0), Handler)
    nonsense.said = b"no such metric"
    thread = threading.Thread(target=nonsense.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        keep_record(tmp_path, 1, name="identity-0-gone")
        keep_record(tmp_path, nonsense.server_address[1], name="identity-0-nonsense")
        keep_record(tmp_path, listener.server_address[1], name="orders-0", service="orders")
        (tmp_path / "replicas" / "identity-0-damaged.json").write_text("{")
        keep_record(tmp_path, listener.server_address[1])
        found = readings_of(tmp_path, 1)
    finally:
        nonsense.shutdown()
        thread.join()
        nonsense.server_close()
    assert {reading.replica for reading in found} == {"identity-a"}


def test_without_any_replica_there_is_nothing_to_read(tmp_path):
    kept = recorder()
    with kept.reading_loads(tmp_path):
        pass
    assert kept.readings == []
