"""A flip of a flag: there for everybody in seconds, and taken back where it does harm."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.grants import read_token_set
from ostiary.watch.relying_party.target import Target
from tests.guarded.users import LATE
from tests.guarded.waiting import wait_for
from tests.system import Account, RunningSystem

pytestmark = pytest.mark.system

# A bake so long that nothing but evidence, or an order, ends it.
PACE = "[guard]\nbake_seconds = 80.0\n"
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
                    None,
                )
            )
            request = actor.request()
            code = await actor.sign_in(actor.device(), request)
            return read_token_set(await actor.client.exchange(code, request.verifier)).access_token
        finally:
            await transport.aclose()

    return asyncio.run(login())


def evaluate(system: RunningSystem, token: str) -> tuple[int, dict[str, Any]]:
    answer = httpx.post(
        f"{system.issuer}/ofrep/v1/evaluate/flags/new_checkout",
        headers={"authorization": f"Bearer {token}"},
        json={"context": {"roles": ["staff"]}},
        timeout=20,
    )
    return answer.status_code, answer.json()


def propose(system: RunningSystem, settings: str) -> str:
    """Propose settings and return the change's id."""
    path = system.data.with_name("proposed.toml")
    path.write_text(settings)
    body = {"releases": {}, "config": str(path)}
    return str(GuardClient(system.data).post("/changes", body)["change"])


@contextmanager
def application(system: RunningSystem, token: str) -> Iterator[Counter[int]]:
    """An application that asks for the flag all the time; yields the status codes that it got."""
    seen: Counter[int] = Counter()
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            seen[evaluate(system, token)[0]] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def change_when(
    system: RunningSystem, change: str, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Return a change as soon as something holds of it."""
    guard = GuardClient(system.data)

    def found() -> dict[str, Any] | None:
        shown = guard.get(f"/changes/{change}")
        return shown if holds(shown) else None

    shown = wait_for(found, "the change")
    assert shown is not None
    return shown


def test_a_flip_reaches_a_user_of_a_role_and_one_that_does_harm_is_taken_back(guarded):
    client = guarded.ostiary("client", "add", "shop", "--redirect-uri", CALLBACK)
    staff, other = (
        access_token(guarded, guarded.new_account(*roles), client) for roles in (("staff",), ())
    )
    assert evaluate(guarded, staff)[1]["errorCode"] == "FLAG_NOT_FOUND"

    flip = propose(guarded, PUBLIC)
    served = change_when(guarded, flip, lambda change: change["share"] is not None)
    assert served["kinds"] == ["flags"]
    served = change_when(guarded, flip, lambda change: change["stage"] == "bake")
    assert served["share"] == 1.0, "the first step is the last one"
    assert evaluate(guarded, staff) == (
        200,
        {"key": "new_checkout", "value": True, "reason": "TARGETING_MATCH", "variant": "variant"},
    )
    # What a request claims about its user is not believed.
    assert evaluate(guarded, other)[1]["value"] is False
    GuardClient(guarded.data).post(f"/changes/{flip}/promote", {})
    ended = change_when(guarded, flip, lambda change: change["verdict"] is not None)
    assert ended["verdict"] == "promoted", ended

    # The application still asks for it, so hiding it breaks something.
    with application(guarded, staff) as seen:
        change = propose(guarded, HIDDEN)
        ended = change_when(guarded, change, lambda change: change["verdict"] is not None)
    assert (ended["verdict"], ended["stage"]) == ("rolled_back", "bake"), ended
    assert ended["reasons"][0]["numbers"]["stratum"] == "flags"
    assert ended["failed_attempts_hidden"] > 0
    # A machine that stands still for seconds is no fault of the release.
    assert seen.keys() <= {200, *LATE}, seen
    assert seen[200] > 0.98 * seen.total(), seen
    assert evaluate(guarded, staff)[1]["value"] is True
