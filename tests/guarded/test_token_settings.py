"""Misconfigured tokens, as in one of the outages: stopped before the first user meets one.

Where a file shows it, at check; where only a running candidate does, in rehearsal; and where both
are skipped, before the first user's share. One system for all, in this order: what it goes through
is what a system goes through in its life.
"""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ostiary.drills.ledger import read_ledger
from ostiary.drills.population import create_application, create_people, plan_traffic
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.guarded.conftest import require_nothing_left
from tests.guarded.releases import Fault, make_release
from tests.guarded.test_bad_releases import propose, require_as_it_was
from tests.guarded.users import require_served, shed
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

# The tests go on from where the one before left the system; `tests/workers.py` knows that.
pytestmark = pytest.mark.system

QUICK_ENOUGH = """
[guard]
steps = [50, 100]
step_seconds_min = 0.5
bake_seconds = 1.0
rehearsal_start_seconds_max = 15.0

[identity]
jwks_max_age_seconds = 600
"""
USERS = 12
RATE = 3.0
BEHIND_A_FLAG = Fault(
    "ostiary/identity/oauth/minting.py",
    "        self._audiences = Audiences.of_settings(configuration)\n",
    "        self._audiences = Audiences.of_settings(configuration)\n"
    '        if configuration.flags.get("tokens_v2"):\n'
    '            self._audiences = Audiences("urn:tokens-v2")\n',
)
ANOTHER_AUDIENCE = '[identity]\naudience = "https://api.example.com"\n'
FLAG_ON = "[flags]\ntokens_v2 = true\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    directory = tmp_path_factory.mktemp("token-settings")
    data, settings = directory / "data", directory / "ostiary.toml"
    settings.write_text(QUICK_ENOUGH)
    try:
        options = ["--config", str(settings), "--port", str(free_port())]
        yield RunningSystem(data, run_ostiary("up", "--detach", *options, data=data), count(1))
    finally:
        call_ostiary("down", data=data)
        require_nothing_left(data)


def propose_settings(
    system: RunningSystem, text: str, *options: str
) -> tuple[int, dict[str, Any], Path]:
    """Propose a settings file, wait for the end, and return exit code, result and the file."""
    file = system.data.parent / "proposed.toml"
    file.write_text(text)
    result = call_ostiary(
        "change", "propose", "--config", str(file), "--wait", *options, data=system.data
    )
    return result.returncode, json.loads(result.stdout), file


def told(result: dict[str, Any]) -> str:
    """Return what the check refused a change for."""
    return "\n".join(reason["text"] for reason in result["reasons"])


def test_what_a_file_shows_is_refused_at_check_with_what_to_write(system):
    before = system.status()
    code, result, file = propose_settings(system, ANOTHER_AUDIENCE)
    assert code == 3, result
    assert told(result) == (
        f'{file}:2: `identity.audience` changes from "{system.issuer}" to '
        f'"https://api.example.com"; applications that compare with "{system.issuer}" would refuse '
        f'every new token. Write `previous_audiences = ["{system.issuer}"]` in `[identity]` beside '
        "it, and remove that again when all applications compare with "
        '"https://api.example.com".'
    )
    code, result, _ = propose_settings(system, '[edge]\npublic_url = "https://b.example.com"\n')
    assert code == 3, result
    assert f'changes the issuer of tokens from "{system.issuer}" to' in told(result)
    text = '[identity]\nsigning_algorithm = "EdDSA"\n'
    code, result, _ = propose_settings(system, text)
    assert code == 3, result
    assert "no EdDSA key has been published for long enough" in told(result)
    require_as_it_was(system, before)
    # Nobody can know a key for it in the first ten minutes; later stages say so too.
    code, result, _ = propose_settings(system, text, "--from", "rehearse")
    assert (code, result["verdict"]) == (4, "refused"), result
    (reason,) = result["reasons"]
    assert "No EdDSA key has been published for long enough to sign with." in reason["text"]
    assert "It can from 20" in reason["text"]
    require_as_it_was(system, before)


def test_what_only_a_running_candidate_shows_is_refused_in_rehearsal_by_its_step(system, tmp_path):
    last_good = system.status()["last_good"]
    release = make_release(system.data, last_good, tmp_path / "release", BEHIND_A_FLAG)
    code, result = propose(system, release)
    assert (code, result["verdict"]) == (0, "promoted"), "healthy as long as the flag is off"
    before = system.status()
    code, result, _ = propose_settings(system, FLAG_ON)
    assert (code, result["verdict"], result["stage"]) == (4, "refused", "rehearse"), result
    assert any(
        "sign_in_code_flow, step token: expected a valid access token, "
        "got it is for another audience: 'urn:tokens-v2' (candidate" in reason["text"]
        for reason in result["reasons"]
    ), result["reasons"]
    require_as_it_was(system, before)


def test_started_at_canary_even_by_force_it_is_held_off_before_the_first_user(system, tmp_path):
    before = system.status()
    guard, clock = GuardClient(system.data), SystemClock()
    people = invent_people(USERS, SeededRandom(2))
    create_people(guard, people)
    plan = plan_traffic(
        system.issuer,
        create_application(guard, audience=system.issuer),
        people,
        rate=RATE,
        seconds=300,
        seed=2,
    )
    forced = ("--force", "--reason", "the operator is sure")
    again = ("--again",)
    with flowing(plan, tmp_path, clock) as traffic:
        traffic.wait_for_visits(USERS, 60)
        for text, options in ((ANOTHER_AUDIENCE, forced), (FLAG_ON, again)):
            code, result, _ = propose_settings(system, text, "--from", "canary", *options)
            assert (code, result["verdict"], result["stage"]) == (5, "rolled_back", "canary")
            assert result["users_affected"] <= shed(read_ledger(traffic.ledger_path).entries)
            assert any(
                "it is for another audience" in reason["text"] for reason in result["reasons"]
            ), result["reasons"]
        traffic.run_on(2)
        entries = traffic.stop().entries
    require_served(entries)
    assert not any("another audience" in entry.detail for entry in entries)
    assert len({entry.user for entry in entries}) == USERS
    require_as_it_was(system, before)
