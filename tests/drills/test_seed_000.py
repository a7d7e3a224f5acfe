"""The first outage, replayed: what it did, and what is left of it behind the guard.

From canary it takes minutes at a share of one percent; `make drill ARGS="--from canary"` does that.
What is hidden there, and that nobody is affected, `tests/guarded/test_broken_releases.py` shows.
"""

import json

import pytest

from tests.system import call_ostiary

pytestmark = [pytest.mark.system, pytest.mark.alone]


def drill(tmp_path, *options: str):
    result = call_ostiary("drill", "run", "seed-000", *options, data=tmp_path / "unused")
    return result, json.loads(result.stdout)["drills"][0]


def test_without_a_guard_three_quarters_of_the_users_are_affected(tmp_path):
    result, drilled = drill(tmp_path, "--mode", "unguarded", "--seed", "1")
    users = drilled["users"]
    assert not drilled["void"], drilled
    assert 0.65 <= users["affected"] / users["total"] <= 0.85
    assert result.returncode == 0, result.stderr


def test_with_the_guard_nobody_is_affected(tmp_path):
    result, drilled = drill(tmp_path, "--mode", "guarded", "--seed", "2")
    assert drilled["verdict"] in {"refused", "rolled_back"}, drilled
    assert drilled["users"]["affected"] == 0, (drilled, result.stderr)
    assert result.returncode == 0, result.stderr


def test_the_mode_that_is_not_available_yet_says_so(tmp_path):
    result = call_ostiary("drill", "run", "seed-000", "--mode", "escaped", data=tmp_path / "unused")
    assert result.returncode == 2
    assert "not available yet" in json.loads(result.stdout)["error"]["message"]


def test_an_unknown_drill_is_told_with_those_that_there_are(tmp_path):
    result = call_ostiary("drill", "run", "seed-999", data=tmp_path / "unused")
    assert result.returncode == 2
    assert "seed-000" in json.loads(result.stdout)["error"]["hint"]
