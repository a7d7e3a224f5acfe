"""A change is explained, remembered, declared and taken back, on a running system.

The tests share it: each leaves it whole.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.guard.client import GuardClient
from tests.guarded import releases
from tests.guarded.conftest import QUICK, running_quick
from tests.guarded.releases import Fault
from tests.guarded.test_bad_releases import propose, require_as_it_was
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem, call_ostiary

pytestmark = pytest.mark.system

STRICTER = Fault(
    "ostiary/identity/http/middleware.py",
    releases.ANSWER_LINE,
    releases.ANSWER_LINE
    + '        is_strict = "strict" in (request.user_agent or "")\n'
    + '        if is_strict and request.path == "/oauth2/introspect":\n'
    + "            raise __import__('falcon').HTTPNotFound\n",
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSystem, Path]]:
    """Return the system and its settings file."""
    with running_quick(tmp_path_factory.mktemp("explained")) as both:
        yield both


@pytest.fixture(scope="module")
def guarded(running: tuple[RunningSystem, Path]) -> RunningSystem:
    return running[0]


def settings(
    system: RunningSystem, tmp_path: Path, text: str, *options: str
) -> tuple[int, dict[str, Any]]:
    path = tmp_path / "proposed.toml"
    path.write_text(text + QUICK)
    arguments = ("change", "propose", "--config", str(path), "--wait", *options)
    said = call_ostiary(*arguments, data=system.data)
    return said.returncode, json.loads(said.stdout)


def test_rules_refuse_a_change_in_its_check_and_leave_a_record(guarded, tmp_path):
    before = guarded.status()
    code, result = settings(guarded, tmp_path, "[identity]\nsession_seconds = 100\n")
    assert (code, result["verdict"], result["stage"]) == (3, "refused", "check"), result
    reason = result["reasons"][0]
    assert reason["code"] == "token_outlives_session"
    assert reason["numbers"]["key"] == "identity.access_token_seconds"
    assert "proposed.toml:1" in reason["text"]
    assert guarded.change(result["change"])["verdict"] == "refused"
    require_as_it_was(guarded, before)


def propose_once_revoked(system: RunningSystem, release: Path) -> tuple[int, dict[str, Any]]:
    """Propose a release again, once what it minted in its rehearsal has been taken back."""

    def answered() -> tuple[int, dict[str, Any]] | None:
        code, answer = propose(system, release)
        owed = (answer.get("error") or {}).get("code") == "revocation_owed"
        return None if owed else (code, answer)

    return wait_for(answered, "the end of the revocation")


def test_what_rehearsal_refused_is_remembered_and_a_good_fix_is_explained_and_taken_back(
    guarded, tmp_path, release
):
    before = guarded.status()["last_good"]
    bad = release(releases.BROKEN_BUT_HEALTHY)
    code, first = propose(guarded, bad)
    assert code == 4, first
    code, second = propose_once_revoked(guarded, bad)
    assert (code, second["error"]["code"]) == (3, "refused_before")
    assert first["change"] in second["error"]["message"]
    patch = guarded.ostiary("change", "show", first["change"], "--patch")["patch"]
    assert "+" in patch and releases.MIDDLEWARE in patch  # noqa: PT018 - one patch

    text = "[identity]\naccess_token_seconds = 600\n"
    code, fixed = settings(guarded, tmp_path, text, "--fixes", first["change"])
    assert (code, fixed["verdict"]) == (0, "promoted"), fixed
    assert [each["code"] for each in fixed["reasons"]] == ["replayed"]
    shown = guarded.change(fixed["change"])
    (setting,) = shown["difference"]["settings"]
    assert (setting["key"], setting["before"], setting["after"], setting["unit"]) == (
        "identity.access_token_seconds",
        300,
        600,
        "seconds",
    )

    back = guarded.ostiary("change", "rollback", fixed["change"], "--reason", "too long")
    assert (back["verdict"], back["snapshot"]) == ("promoted", before)
    after = guarded.status()
    assert after["last_good"] == before
    assert {each["snapshot"] for each in after["replicas"]} == {before}
    assert httpx.get(f"{guarded.issuer}/sign-in").status_code == 200
    again = call_ostiary("change", "rollback", fixed["change"], data=guarded.data)
    assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (
        3,
        "nothing_to_restore",
    )


def test_what_a_security_fix_refuses_stands_for_everybody_and_is_no_harm(guarded, release):
    reason = ("--security", "--reason", "introspection told too much")
    path = str(release(STRICTER))
    change = guarded.ostiary("change", "propose", "--release", path, *reason)["change"]
    url = f"{guarded.issuer}/oauth2/introspect"
    guard, refused, steps = GuardClient(guarded.data), 0, ["pause", "resume"]
    with httpx.Client(headers={"user-agent": "strict"}, timeout=20) as client:
        while (shown := guarded.change(change))["verdict"] is None:
            answers = [client.post(url, data={"token": "x"}).status_code for _ in range(20)]
            if shown["stage"] == "bake" and shown["share"] == 1.0:
                refused += answers.count(404)
                # The bake goes on once enough was refused in it.
                if steps and (steps[0] == "pause" or refused >= 20):
                    guard.post(f"/changes/{change}/{steps.pop(0)}", {})
            time.sleep(0.1)
    assert shown["verdict"] == "promoted", shown["reasons"]
    assert refused >= 20
    assert (shown["security"], shown["reason"]) == (True, "introspection told too much")


def test_drift_is_shown_until_it_is_over(running):
    guarded, quick_settings = running
    quick_settings.write_text("[identity]\nsign_up = false\n" + QUICK)
    call_ostiary("down", data=guarded.data)
    call_ostiary("up", "--detach", data=guarded.data)
    (drift,) = guarded.status()["drift"]
    assert (drift["what"], drift["keys"]) == ("settings", ["identity.sign_up"])
    quick_settings.write_text(QUICK)
    call_ostiary("down", data=guarded.data)
    call_ostiary("up", "--detach", data=guarded.data)
    assert guarded.status()["drift"] == []
