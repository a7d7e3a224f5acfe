"""The network before a replica: a real one, of a release in which it stands behind a relay."""

import json
import time

import httpx
import pytest

from ostiary.drills.faults import apply_edits
from ostiary.drills.injection import network
from ostiary.drills.injection.registry import edits_for, injected
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.processes import identify
from ostiary.runtime.ports import Replica
from tests.unit.drills.identity_processes import IdentityProcesses, is_listening
from tests.unit.drills.injection.places import faults_of, order_of, place_of

pytestmark = pytest.mark.system

DELAY = {"kind": "network_delay", "milliseconds": 200}
LOSS = {"kind": "network_loss", "share": 0.9}


class Site:
    """A replica behind its relay, and the data directory in which it is recorded."""

    def __init__(self, directory):
        self.directory = directory
        self.processes = IdentityProcesses(directory)
        release = self.processes.copy_release("release")
        # Two faults of the same network need its relay only once.
        apply_edits(edits_for(faults_of(order_of(DELAY, LOSS)), directory), release)
        self.target = self.processes.start("identity-1", "s-1", release)
        self.client = httpx.Client(base_url=self.target.base_url, trust_env=False, timeout=20)
        self.record()

    def record(self):
        configuration = json.loads((self.directory / "identity-1.config.json").read_text())
        (self.directory / "replicas").mkdir()
        replica = Replica(
            service="identity",
            name="identity-1",
            snapshot="s-1",
            release="r",
            host="127.0.0.1",
            port=configuration["port"],
            health_port=configuration["health_port"],
            process=identify(1),
            log=self.directory / "log",
            started_at="2026-11-01T00:00:00Z",
        )
        path = self.directory / "replicas/identity-1.json"
        path.write_text(json.dumps(replica.to_json()))

    def seconds(self):
        clock = SystemClock()
        began = clock.monotonic()
        answer = self.client.get("/.well-known/openid-configuration")
        assert answer.status_code == 200
        return clock.monotonic() - began

    def befallen(self, fault):
        order = order_of(fault)
        place = place_of(order, self.directory, self.directory)
        return injected(place, faults_of(order))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("site")
    site = Site(directory)
    try:
        yield site
    finally:
        site.client.close()
        site.processes.close()


def test_a_delay_is_felt_by_users_both_ways_and_ends(site):
    site.seconds()
    with site.befallen(DELAY):
        assert site.seconds() >= 0.4
    assert site.client.get("/.well-known/openid-configuration").status_code == 200


def test_a_loss_is_felt_by_whoever_asks_and_ends(site):
    def ask_often():
        for _ in range(20):
            site.seconds()

    with site.befallen(LOSS | {"cut": True}), pytest.raises(httpx.HTTPError):
        ask_often()
    ask_often()


def test_without_replicas_nothing_is_in_effect(tmp_path, monkeypatch):
    monkeypatch.setattr(network, "_EFFECT_SECONDS_MAX", 0.0)
    order = order_of(DELAY)
    with pytest.raises(Exception, match="answers come as fast as before"):
        injected(place_of(order, tmp_path, tmp_path), faults_of(order)).__enter__()


def test_a_relay_ends_with_its_replica(site):
    port = httpx.URL(site.target.base_url).port
    assert is_listening(port)
    site.processes.stop_last()
    deadline = SystemClock().monotonic() + 20
    while is_listening(port):
        assert SystemClock().monotonic() < deadline
        time.sleep(0.05)
