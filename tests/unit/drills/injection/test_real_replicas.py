"""Keys, clocks and memory of real replicas, of a release that can have the faults."""

import base64
import json
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from ostiary.drills.beside import beside
from ostiary.drills.faults import FaultNotInjectableError, apply_edits
from ostiary.drills.injection import keys, replica_faults, restoring
from ostiary.drills.injection.registry import edits_for, injected, settings_for
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.processes import identify, is_alive
from ostiary.runtime.ports import Replica
from ostiary.runtime.resources import memory_mib
from tests.unit.drills.identity_processes import ADMIN_TOKEN, IdentityProcesses
from tests.unit.drills.injection.places import faults_of, order_of, place_of

pytestmark = pytest.mark.system

SKEW = {"kind": "clock_skew", "skew_seconds": 600, "seat": 1}
LEAK = {"kind": "memory_leak", "kib_per_request": 256, "mib_max": 20}
SECONDS_MAX = 60


class Site:
    """Two replicas on one store, recorded where a guard would record them."""

    def __init__(self, directory):
        self.directory = directory
        self.identity = IdentityProcesses(directory)
        release = self.identity.copy_release("release")
        apply_edits(edits_for(faults_of(order_of(SKEW, LEAK)), directory), release)
        (directory / "replicas").mkdir()
        self.targets, self.records = [], []
        for seat in range(2):
            name = f"identity-{seat}"
            self.targets.append(self.identity.start(name, "s-1", release))
            self.records.append(identify(self.pid_of(name)))
            self.record(name, seat)
        self.client = httpx.Client(trust_env=False, timeout=20)
        answer = self.client.post(
            f"{self.targets[0].base_url}/admin/clients",
            headers={"authorization": f"Bearer {ADMIN_TOKEN}"},
            json={"client_id": "machine", "grants": ["client_credentials"]},
        )
        self.secret = answer.json()["client_secret"]

    def pid_of(self, name):
        return next(
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and f"{name}.config.json" in command_of(entry)
        )

    def record(self, name, seat):
        ports = json.loads((self.directory / f"{name}.config.json").read_text())
        replica = Replica(
            service="identity",
            name=name,
            snapshot="s-1",
            release="r",
            host="127.0.0.1",
            port=ports["port"],
            health_port=ports["health_port"],
            process=self.records[seat],
            log=self.directory / "log",
            started_at="2026-11-01T00:00:00Z",
            seat=seat,
        )
        (self.directory / f"replicas/{name}.json").write_text(json.dumps(replica.to_json()))

    def mint(self, seat):
        """Return the answer of a replica that is asked for a token."""
        return self.client.post(
            f"{self.targets[seat].base_url}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=("machine", self.secret),
        )

    def published(self):
        answer = self.client.get(f"{self.targets[0].base_url}/oauth2/jwks")
        return {key["kid"] for key in answer.json()["keys"]}

    def befallen(self, *faults):
        order = order_of(*faults)
        return injected(place_of(order, self.directory, self.directory), faults_of(order))

    @contextmanager
    def asked_all_the_time(self):
        """Have both replicas asked for tokens, as users do."""

        def ask(ended):
            while not ended.wait(0.05):
                for seat in range(2):
                    # In the end nobody may be left to answer.
                    with suppress(httpx.HTTPError):
                        self.mint(seat)

        with beside(ask):
            yield


def command_of(process):
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    try:
        yield site
    finally:
        site.client.close()
        site.identity.close()


def part_of(answer, index):
    part = answer.json()["access_token"].split(".")[index]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def until(met):
    deadline = SystemClock().monotonic() + SECONDS_MAX
    while not met():
        assert SystemClock().monotonic() < deadline
        time.sleep(0.05)


def test_one_replica_has_another_time_than_the_others_until_the_fault_is_removed(site):
    with site.asked_all_the_time(), site.befallen(SKEW):
        ahead = part_of(site.mint(1), 1)["iat"] - part_of(site.mint(0), 1)["iat"]
        assert 500 < ahead < 700
    assert abs(part_of(site.mint(1), 1)["iat"] - part_of(site.mint(0), 1)["iat"]) < 100
    assert not list(site.directory.glob("*.seen"))


def test_a_key_that_expired_signs_nothing_and_signs_again_after_the_removal(site):
    before = part_of(site.mint(0), 0)["kid"]
    with site.asked_all_the_time(), site.befallen({"kind": "key_expired"}):
        answers = [site.mint(seat) for seat in range(2)]
        assert [answer.status_code for answer in answers] == [503, 503]
        assert before in site.published(), "what it signed before goes on counting"
    until(lambda: all(site.mint(seat).status_code == 200 for seat in range(2)))
    assert part_of(site.mint(0), 0)["kid"] == before


def test_without_the_notes_kept_out_a_key_does_not_expire(site):
    """The row alone does nothing: the next replica that signs notes its use again."""
    with closing(sqlite3.connect(site.directory / "identity.db")) as store, store:
        store.execute(keys._NOTE, [int(time.time()) - keys.SIGN_SECONDS - 3600])

    def noted():
        # A replica that has just failed to note something tries again after five seconds.
        signs = site.mint(0).status_code == 200
        with closing(sqlite3.connect(site.directory / "identity.db")) as store:
            (at,) = store.execute("SELECT max(last_used_at) FROM signing_keys").fetchone()
        return signs and at > time.time() - 3600

    until(noted)


def test_a_key_that_vanished_leaves_the_set_and_comes_back(site):
    before = part_of(site.mint(0), 0)["kid"]
    with site.asked_all_the_time(), site.befallen({"kind": "key_unknown"}):
        assert before not in site.published()
        answers = [site.mint(seat) for seat in range(2)]
        assert [answer.status_code for answer in answers] == [503, 503]
    until(lambda: all(site.mint(seat).status_code == 200 for seat in range(2)))
    assert part_of(site.mint(0), 0)["kid"] == before
    assert before in site.published()


def test_a_fault_without_effect_is_told_and_taken_back(site, monkeypatch):
    monkeypatch.setattr(keys, "_EFFECT_SECONDS_MAX", 0.0)
    monkeypatch.setattr(replica_faults, "_EFFECT_SECONDS_MAX", 0.0)
    for kind in ("key_unknown", "key_expired", "memory_leak"):
        with pytest.raises(FaultNotInjectableError, match="has no effect"):
            site.befallen({"kind": kind}).__enter__()
    assert not (site.directory / "leak").exists()
    until(lambda: all(site.mint(seat).status_code == 200 for seat in range(2)))
    with closing(sqlite3.connect(site.directory / "identity.db")) as store:
        assert (
            store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall() == []
        )


def test_a_leak_ends_with_its_replicas_killed_as_the_kernel_does(site, monkeypatch):
    """The last test here: nobody is left afterwards, and no guard starts others."""
    monkeypatch.setattr(restoring, "RESTORED_SECONDS_MAX", 0.0)
    before = memory_mib(site.records[0])

    def leak_until_all_are_killed():
        with site.asked_all_the_time(), site.befallen(LEAK):
            assert memory_mib(site.records[0]) > before + 2
            until(lambda: not any(map(is_alive, site.records)))

    with pytest.raises(OstiaryError, match="not as many processes run as before"):
        leak_until_all_are_killed()
    assert not (site.directory / "leak").exists()


def test_a_leak_starts_from_settings_that_keep_a_machine_from_being_filled():
    assert settings_for(faults_of(order_of(LEAK))) == {"identity": {"memory_max_mib": 192}}
    assert settings_for(faults_of(order_of(SKEW))) == {}
