"""The worked example of the documentation on a real system: what it refuses, what it cannot."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.guarded import releases
from tests.guarded.conftest import QUICK
from tests.guarded.releases import Fault
from tests.guarded.test_bad_releases import propose, require_as_it_was
from tests.guarded.waiting import wait_for
from tests.system import call_ostiary
from tests.tidy.repository import read

pytestmark = pytest.mark.system

SECRET_FILE = "/etc/ostiary/partner.secret"
WITHOUT_THE_CLIENT = Fault(
    "ostiary/identity/oauth/introspection.py",
    '"sub", "client_id", "scope"',
    '"sub", "scope"',
)
"""Introspection (RFC 7662) need not name the client; the partner relies on it."""


@pytest.fixture
def quick_settings(tmp_path: Path) -> Path:
    """Return the example of the documentation as settings, with a secret file of the test."""
    page = read("docs/own-journeys.md")
    example = "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
    assert SECRET_FILE in example
    path = tmp_path / "ostiary.toml"
    path.write_text(QUICK + example.replace(SECRET_FILE, str(tmp_path / "partner.secret")))
    return path


def test_the_worked_example_refuses_what_only_it_looks_at(guarded, release, tmp_path):
    secret = tmp_path / "partner.secret"
    command = re.search(r"^ostiary (client add .*)$", read("docs/own-journeys.md"), re.MULTILINE)
    assert command is not None
    client = guarded.ostiary(*shlex.split(command[1]))
    secret.write_text(client["client_secret"] + "\n")

    tried = guarded.ostiary("journeys", "run")
    assert [len(journey["steps"]) for journey in tried["journeys"]] == [3, 4]
    assert tried["passed"], tried
    assert client["client_secret"] not in json.dumps(tried)

    before = guarded.status()
    code, result = propose(guarded, release(WITHOUT_THE_CLIENT))
    assert (code, result["verdict"], result["stage"]) == (4, "refused", "rehearse"), result
    (reason,) = result["reasons"]
    assert reason["text"].startswith("journeys.partner_login, step the token is known: expected ")
    assert reason["numbers"]["step"] == "the token is known"
    require_as_it_was(guarded, before)

    # Without a rehearsal the canary shows it, through the edge: users cannot have it hidden.
    code, result = propose(guarded, release(WITHOUT_THE_CLIENT), "--from", "canary", "--again")
    assert (code, result["verdict"], result["users_affected"]) == (5, "rolled_back", 0), result
    assert "journeys.partner_login, step the token is known" in result["reasons"][1]["text"]
    require_as_it_was(guarded, before)

    # The journey itself breaks: that must not keep anybody from changing anything.
    secret.write_text("another one\n")
    again = call_ostiary("journeys", "run", "partner_login", data=guarded.data)
    assert again.returncode == 3
    change = guarded.ostiary("change", "propose", "--release", str(release(releases.HEALTHY)))
    shown = wait_for(lambda: _beyond_rehearsal(guarded, change["change"]), "a canary")
    (note,) = [each for each in shown["reasons"] if each["code"] == "own_journey_broken"]
    assert "step token: expected HTTP 200, got HTTP 401" in note["text"]


def _beyond_rehearsal(system, change):
    shown = system.change(change)
    assert shown["verdict"] in (None, "promoted"), shown
    return shown if shown["stage"] in ("canary", "bake", "good") else None
