"""The guard checks a settings file beside the settings that it serves."""

from types import SimpleNamespace

import falcon.testing
import pytest

from ostiary.changes import checks
from ostiary.changes.rules.finding import Finding
from ostiary.changes.snapshot import SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.api import create_api
from ostiary.guard.operations import GuardOperations
from ostiary.guard.settings_check import check_settings
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SeededRandom


@pytest.fixture
def parts(tmp_path):
    snapshots = SnapshotStore(tmp_path / "snapshots")
    served = snapshots.add({"identity": "r1"}, SnapshotSettings().to_snapshot())
    return SimpleNamespace(snapshots=snapshots, plane=SimpleNamespace(last_good=served.id))


def test_rules_that_compare_see_what_is_served(tmp_path, parts, monkeypatch):
    def fewer_threads(configuration, surroundings):
        served = surroundings.last_good.identity.threads
        if configuration.snapshot_settings.identity.threads < served:
            yield Finding(("identity", "threads"), "fewer", f"Served: {served}.", "Write more.")

    monkeypatch.setattr(checks, "COMPARING_RULES", (fewer_threads,))
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\nthreads = 3\n")

    answer = check_settings({"config": str(file)}, parts)

    assert answer["compared_with"] == parts.plane.last_good
    assert answer["ok"] is False
    assert answer["load"] == []
    (problem,) = answer["problems"]
    assert (problem["line"], problem["code"], problem["message"]) == (2, "fewer", "Served: 4.")


@pytest.mark.parametrize("body", [{}, {"config": ""}, {"config": "/nowhere/ostiary.toml"}])
def test_without_a_file_it_is_wrong_usage(parts, body):
    with pytest.raises(UsageError):
        check_settings(body, parts)


def test_the_guards_api_answers_a_check(tmp_path, parts):
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\nthreads = 0\n")
    client = falcon.testing.TestClient(create_api(GuardOperations(None, parts, SeededRandom(1))))

    answer = client.simulate_post("/check", json={"config": str(file)})
    missing = client.simulate_post("/check", json={})

    assert answer.json["problems"][0]["key"] == "identity.threads"
    assert answer.json["compared_with"] == parts.plane.last_good
    assert (missing.status_code, missing.json["error"]) == (409, "config_missing")
