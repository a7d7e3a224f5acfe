"""A change that another operator has to approve, on a running system with several real users."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ostiary.guard.client import GuardClient
from ostiary.guard.operators.tokens import digest_of
from ostiary.kernel.errors import NotRunningError
from tests.guarded.conftest import QUICK
from tests.guarded.test_guard_death import kill_guard, wait_for, wait_for_another_guard
from tests.other_users import as_user
from tests.system import RunningSystem, call_ostiary, free_port, ostiary_program, run_ostiary

pytestmark = [pytest.mark.system, pytest.mark.users]
ADA, BOB, EVE, STRANGER, CHIEF = range(1001, 1006)
TOKEN = "ostiary_token-of-bob-for-one-test-only"
# The change must not be promoted before it is rolled back, however slow the machine is.
SETTINGS = f"""{QUICK.replace("bake_seconds = 2.0", "bake_seconds = 600.0")}
require_approval = true
socket = "{{socket}}"

[guard.operators.ada]
role = "approver"
uid = {ADA}

[guard.operators.bob]
role = "approver"
uid = {BOB}
token_sha256 = "{digest_of(TOKEN)}"

[guard.operators.eve]
role = "viewer"
uid = {EVE}

[guard.operators.chief]
role = "admin"
uid = {CHIEF}
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that others may look into; those of other tests are private."""
    with tempfile.TemporaryDirectory(prefix="ostiary-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def team(place: Path) -> Iterator[RunningSystem]:
    """A system with operators, and with a socket for them."""
    config, data = place / "ostiary.toml", place / "data"
    config.write_text(SETTINGS.format(socket=place / "run" / "guard.sock"))
    options = ["--config", str(config), "--port", str(free_port())]
    try:
        up = run_ostiary("up", "--detach", *options, data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        # The test may have stopped it itself.
        stopped = call_ostiary("down", data=data)
    assert stopped.returncode in (0, 6), stopped.stderr


def call_as(uid: int, team: RunningSystem, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command as another user, through the socket; return exit code and JSON."""
    place = str(team.data.parent / "run" / "guard.sock")
    program = [str(ostiary_program()), *arguments, "--json", "--socket", place]
    result = subprocess.run(
        [*as_user(uid), *program], capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, json.loads(result.stdout)


def test_a_change_goes_on_when_another_operator_has_approved_it(team: RunningSystem) -> None:
    proposed = team.data.parent / "proposed.toml"
    proposed.write_text("[identity]\naccess_token_seconds = 299\n")

    assert call_as(STRANGER, team, "status")[0] == 2
    code, result = call_as(ADA, team, "change", "propose", "--config", str(proposed), "--wait")
    assert (code, result.get("stage"), result.get("verdict")) == (0, "approve", None), result
    change = result["change"]

    code, answer = call_as(ADA, team, "change", "approve", change)
    assert (code, answer["error"]["code"]) == (3, "own_change")
    code, answer = call_as(EVE, team, "change", "approve", change)
    assert (code, answer["error"]["code"]) == (3, "not_permitted")

    owner = GuardClient(team.data)
    wait_for_another_guard(team, kill_guard(team))
    waits = owner.get(f"/changes/{change}")
    assert waits["approval"]["waiting"]
    assert waits["approval"]["approvers"] == ["bob", "chief", "owner"]

    code, shown = call_as(BOB, team, "change", "approve", change, "--comment", "as discussed")
    assert (code, shown["stage"], shown["approved_by"]) == (0, "rehearse", "bob")

    def bakes_or_ended() -> dict[str, Any] | None:
        shown = owner.get(f"/changes/{change}")
        return shown if shown["stage"] == "bake" or shown["verdict"] else None

    reached = wait_for(bakes_or_ended, "the bake")
    assert (reached["stage"], reached["verdict"]) == ("bake", None), reached
    code, ended = call_as(ADA, team, "change", "rollback", change)
    assert (code, ended.get("verdict")) == (0, "rolled_back"), ended
    orders = owner.get(f"/changes/{change}")["orders"]
    assert [(order["operator"], order["command"]) for order in orders] == [
        ("bob", "approve"),
        ("ada", "rollback"),
    ]
    assert call_as(CHIEF, team, "down") == (0, {"running": False})
    with pytest.raises(NotRunningError):
        owner.get("/status")


def test_a_token_in_a_file_that_others_can_read_is_refused(tmp_path, monkeypatch) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    monkeypatch.setenv("OSTIARY_TOKEN_FILE", str(file))
    result = call_ostiary("status", data=tmp_path / "data")
    assert result.returncode == 2
    error = json.loads(result.stdout)["error"]
    assert (error["code"], TOKEN in result.stdout + result.stderr) == ("token_file_open", False)
    # A private one is taken; then it shows that no guard runs here.
    file.chmod(0o600)
    assert call_ostiary("status", data=tmp_path / "data").returncode == 6
