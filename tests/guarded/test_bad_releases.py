"""Releases that must not get through: each ends with one clear reason, the system as it was."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.guarded import releases
from tests.guarded.conftest import QUICK, running_with
from tests.system import RunningSystem, call_ostiary

# One system for all of them: each ends with it as it was. `tests/workers.py` knows that.
pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    directory = tmp_path_factory.mktemp("bad-releases")
    settings = directory / "ostiary.toml"
    settings.write_text(QUICK)
    with running_with(settings, directory / "data") as system:
        yield system


def propose(system: RunningSystem, path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Propose a release, wait for its end, and return exit code and result."""
    result = call_ostiary(
        "change", "propose", "--release", str(path), "--wait", *options, data=system.data
    )
    return result.returncode, json.loads(result.stdout)


def require_as_it_was(system: RunningSystem, before: dict[str, Any]) -> None:
    """Fail unless the same replicas serve the same snapshot, and people can sign in."""
    after = system.status()
    assert after["last_good"] == before["last_good"]
    assert after["change"] is None
    assert [one["pid"] for one in after["replicas"]] == [one["pid"] for one in before["replicas"]]
    assert httpx.get(f"{system.issuer}/sign-in").status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (releases.DOES_NOT_START, "no such module: tokens2"),
        (releases.STARTS_TOO_SLOWLY, "15"),
        (releases.RAISES_AT_TOKENS, "KeyError: 'grant_types'"),
        (releases.HANGS, "s"),
    ],
    ids=["does not start", "starts too slowly", "breaks tokens", "hangs"],
)
def test_a_bad_release_is_refused_before_a_user_meets_it(guarded, release, fault, words):
    before = guarded.status()
    code, result = propose(guarded, release(fault))
    assert (code, result["verdict"], result["stage"]) == (4, "refused", "rehearse"), result
    assert any(words in json.dumps(reason) for reason in result["reasons"]), result["reasons"]
    require_as_it_was(guarded, before)


@pytest.mark.parametrize(
    "fault",
    [releases.BROKEN_BUT_HEALTHY, releases.DIES_IN_CANARY],
    ids=["breaks sign-in", "dies in canary"],
)
def test_from_canary_a_bad_release_is_rolled_back(guarded, release, fault):
    before = guarded.status()
    code, result = propose(guarded, release(fault), "--from", "canary", "--again")
    assert (code, result["verdict"]) == (5, "rolled_back"), result
    assert result["users_affected"] == 0
    assert result["reasons"]
    require_as_it_was(guarded, before)


def test_what_is_no_release_is_refused_with_what_a_release_is(guarded, tmp_path):
    (tmp_path / "empty").mkdir()
    before = guarded.status()
    for path in (tmp_path / "empty", tmp_path / "missing", tmp_path / "ostiary.toml"):
        code, result = propose(guarded, path)
        assert code == 2
        assert str(path) in result["error"]["message"]
        assert "ostiary" in result["error"]["hint"] + result["error"]["message"]
    require_as_it_was(guarded, before)


def test_settings_that_are_wrong_are_refused_with_line_and_nearest_name(guarded, tmp_path):
    settings = tmp_path / "wrong.toml"
    settings.write_text('[identity]\nacces_token_seconds = 300\nthreads = "four"\n')
    before = guarded.status()
    result = call_ostiary("change", "propose", "--config", str(settings), data=guarded.data)
    assert result.returncode == 3
    said = json.dumps(json.loads(result.stdout))
    assert "access_token_seconds" in said
    assert "wrong.toml:2" in said
    assert "wrong.toml:3" in said
    require_as_it_was(guarded, before)


def test_everything_about_it_can_be_read_by_people(guarded, release):
    email = guarded.new_account().email
    changes = guarded.ostiary("change", "list")["changes"]
    if not changes:
        propose(guarded, release(releases.DOES_NOT_START))
        changes = guarded.ostiary("change", "list")["changes"]
    latest = changes[0]["change"]
    last_good = guarded.status()["last_good"]
    views = [
        ("status", last_good[:8]),
        ("change list", latest),
        (f"change show {latest}", latest),
        ("snapshot list", last_good),
        (f"snapshot show {last_good}", last_good),
        ("user list", email),
        (f"user show {email}", email),
        ("keys list", "ES256"),
        ("audit", "user_added"),
    ]
    for command, words in views:
        seen = call_ostiary(*command.split(), data=guarded.data, as_json=False)
        assert seen.returncode == 0, (command, seen.stdout, seen.stderr)
        assert words in seen.stdout, (command, seen.stdout)
