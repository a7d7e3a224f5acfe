"""Healthy changes get through, and everything that users had goes on working.

The tests go on where the one before stopped; the last one ends the system.
"""

import json

import pytest

from ostiary.changes.course import POINTS_MAX
from tests.guarded import releases
from tests.guarded.conftest import running_quick
from tests.guarded.test_bad_releases import propose
from tests.system import call_ostiary

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with running_quick(tmp_path_factory.mktemp("promotion")) as (system, _):
        yield system


def test_a_healthy_release_is_promoted_and_the_old_replicas_are_gone(guarded, release):
    before = guarded.status()
    code, result = propose(guarded, release(releases.HEALTHY))
    assert (code, result["verdict"], result["stage"]) == (0, "promoted", "good"), result
    after = guarded.status()
    assert after["last_good"] == result["snapshot"] != before["last_good"]
    assert {one["snapshot"] for one in after["replicas"]} == {result["snapshot"]}
    assert not {one["pid"] for one in before["replicas"]} & {
        one["pid"] for one in after["replicas"]
    }
    evidence = guarded.change(result["change"])["evidence"]
    assert [step["share"] for step in evidence["steps"]] == [0.0, 0.1, 0.5, 1.0]
    assert evidence["reached"] is None
    assert 0 < len(evidence["points"]) <= POINTS_MAX


def test_the_same_release_again_changes_nothing_and_says_so(guarded, release):
    path = release()
    code, result = propose(guarded, path)
    assert code == 3
    assert result["error"]["code"] == "nothing_changes"


def test_a_second_change_has_to_wait_for_the_first(guarded, release):
    first = call_ostiary(
        "change", "propose", "--release", str(release(releases.HEALTHY)), data=guarded.data
    )
    change = json.loads(first.stdout)["change"]
    assert json.loads(first.stdout)["verdict"] is None
    second = call_ostiary(
        "change", "propose", "--release", str(release(releases.HANGS)), data=guarded.data
    )
    assert second.returncode == 3
    assert json.loads(second.stdout)["error"]["code"] == "change_running"
    ended = call_ostiary("change", "rollback", change, "--reason", "test", data=guarded.data)
    assert json.loads(ended.stdout)["verdict"] == "rolled_back"
    shown = guarded.change(change)
    assert any("test" in reason["text"] for reason in shown["reasons"])


def test_a_change_that_ends_while_its_candidates_start_leaves_none_behind(guarded, release):
    before = guarded.status()
    slow = release(releases.STARTS_SLOWLY)
    proposed = call_ostiary("change", "propose", "--release", str(slow), data=guarded.data)
    change = json.loads(proposed.stdout)["change"]
    ended = call_ostiary("change", "rollback", change, data=guarded.data)
    assert json.loads(ended.stdout)["verdict"] == "rolled_back", ended.stderr
    after = guarded.status()
    assert [one["pid"] for one in after["replicas"]] == [one["pid"] for one in before["replicas"]]
    code, result = propose(guarded, release(releases.DOES_NOT_START))
    assert (code, result["verdict"]) == (4, "refused"), result


def test_down_while_candidates_start_leaves_nothing_behind(guarded, release):
    slow = release(releases.STARTS_SLOWLY)
    assert (
        call_ostiary("change", "propose", "--release", str(slow), data=guarded.data).returncode == 0
    )
    assert call_ostiary("down", data=guarded.data).returncode == 0
