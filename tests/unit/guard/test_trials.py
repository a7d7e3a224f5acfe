"""How much of a change's own work goes on while users are served."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.guard.trials import Trials
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys.report import combine
from ostiary.watch.journeys.running import AT_ONCE
from tests.fakes.clock import FakeClock


@asynccontextmanager
async def opened() -> Any:
    yield None


async def nothing(*_: object, **__: object) -> Any:
    return combine(())


async def itself(run: object) -> object:
    return run


def tried(monkeypatch: pytest.MonkeyPatch, cores: int) -> list[int]:
    """Return how many journeys run side by side at the canary, and at last good beside it."""
    found: list[int] = []

    async def journeys(*_: object, at_once: int, **__: object) -> Any:
        found.append(at_once)
        return combine(())

    monkeypatch.setattr("ostiary.guard.cores.cores", lambda: cores)
    monkeypatch.setattr("ostiary.guard.trials.run_pinned_journeys", journeys)
    monkeypatch.setattr("ostiary.guard.trials.run_quick_journeys", journeys)
    monkeypatch.setattr("ostiary.guard.trials.ProbeAdmin", lambda *_, **__: opened())
    last_good = SimpleNamespace(name="last good")
    place: Any = SimpleNamespace(
        edge_url="", pin_token="", issuer="", canary=None, admin_token="",
        edge_transport=opened, replica=lambda *_: last_good,
    )  # fmt: skip
    replica = SimpleNamespace(host="127.0.0.1", port=1)
    plane: Any = SimpleNamespace(stable=[replica], canary=[replica], share=0.5)
    own: Any = SimpleNamespace(pinned=nothing)
    logs: Any = SimpleNamespace(background=nothing, added_to=itself)
    trials = Trials(plane, place, own, logs, clock=FakeClock(), rng=SeededRandom(1))
    monkeypatch.setattr(trials._pool, "_accounts", ["one", "two", "three"])
    asyncio.run(trials.pinned())
    return found


@pytest.mark.parametrize(("cores", "at_once"), [(1, 1), (2, 1), (4, 3), (64, AT_ONCE)])
def test_pinned_journeys_and_their_control_leave_a_core_to_users(cores, at_once, monkeypatch):
    assert tried(monkeypatch, cores) == [at_once, at_once]
