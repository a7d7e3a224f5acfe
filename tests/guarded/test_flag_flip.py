"""A flip of a flag: there for everybody in seconds, and taken back where it does harm."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.probes import ProbeAccount
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target
from tests.system import Account, RunningSystem, call_ostiary

pytestmark = pytest.mark.system

PACE = "[guard]\nbake_seconds = 3.0\nstep_seconds_min = 5.0\n"
FLAG = '[flags.new_checkout]\ndefault = false\nvariant = true\nroles = ["staff"]\n'
PUBLIC = f"{PACE}{FLAG}public = true\n"
HIDDEN = f"{PACE}{FLAG}"
CALLBACK = "https://app.example/callback"


@pytest.fixture
def quick_settings(tmp_path: Path) -> Path:
    path = tmp_path / "ostiary.toml"
    path.write_text(PACE)
    return path


def access_token(system: RunningSystem, account: Account, client: dict[str, Any]) -> str:
    """Sign in through the edge, as an application would have its user do."""

    async def login() -> str:
        transport = KeptConnections()
        try:
            target = Target("edge", system.issuer, system.issuer)
            site = await Site.open(target, transport, clock=SystemClock(), rng=SystemRandom())
            actor = site.actor(
                ProbeAccount(
                    account.email,
                    account.password,
                    client["client_id"],
                    client["client_secret"],
                    CALLBACK,
                    system.issuer,
                )
            )
            return (await actor.login()).tokens.access_token
        finally:
            await transport.aclose()

    return asyncio.run(login())


def evaluate(system: RunningSystem, token: str) -> tuple[int, dict[str, Any]]:
    answer = httpx.post(
        f"{system.issuer}/ofrep/v1/evaluate/flags/new_checkout",
        headers={"authorization": f"Bearer {token}"},
        json={"context": {"roles": ["staff"]}},
    )
    return answer.status_code, answer.json()


def propose(system: RunningSystem, settings: str, *options: str) -> tuple[int, dict[str, Any]]:
    path = system.data.with_name("proposed.toml")
    path.write_text(settings)
    result = call_ostiary("change", "propose", "--config", str(path), *options, data=system.data)
    return result.returncode, json.loads(result.stdout)


def test_a_flip_reaches_a_user_of_a_role_and_one_that_does_harm_is_taken_back(guarded):
    client = guarded.ostiary("client", "add", "shop", "--redirect-uri", CALLBACK)
    staff, other = (
        access_token(guarded, guarded.new_account(*roles), client) for roles in (("staff",), ())
    )
    assert evaluate(guarded, staff)[1]["errorCode"] == "FLAG_NOT_FOUND"

    code, flip = propose(guarded, PUBLIC, "--wait")
    assert (code, flip["verdict"]) == (0, "promoted"), flip
    shown = guarded.ostiary("change", "show", flip["change"])
    assert shown["kinds"] == ["flags"]
    # The steps of other changes would have taken twenty seconds more.
    assert shown["expected_seconds"] < 40
    assert evaluate(guarded, staff) == (
        200,
        {"key": "new_checkout", "value": True, "reason": "TARGETING_MATCH", "variant": "variant"},
    )
    # What a request claims about its user is not believed.
    assert evaluate(guarded, other)[1]["value"] is False

    # The application still asks for it, so hiding it breaks something.
    _, proposed = propose(guarded, HIDDEN)
    change = proposed["change"]
    deadline, seen = time.monotonic() + 60, set()
    while guarded.ostiary("change", "show", change)["verdict"] is None:
        assert time.monotonic() < deadline
        seen |= {evaluate(guarded, staff)[0] for _ in range(20)}
    ended = guarded.ostiary("change", "show", change)
    assert (ended["verdict"], ended["stage"]) == ("rolled_back", "bake"), ended
    assert ended["reasons"][0]["numbers"]["stratum"] == "flags"
    assert ended["failed_attempts_hidden"] > 0
    assert seen == {200}
    assert guarded.ostiary("status")["last_good"] == flip["snapshot"]
