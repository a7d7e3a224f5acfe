"""The guard's own probes: who did not answer the latest one, and who has been silent for long."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ostiary.changes.model import Reason
from ostiary.guard.canary_watch import CanaryWatch
from tests.edge.replicas import Replica, Reply, replica


class Living:
    """A runtime in which every process lives."""

    def alive(self, _: object) -> bool:
        return True


@pytest.fixture
def served() -> Iterator[Replica]:
    with replica(Reply()) as running:
        yield running


def looked(served: Replica, answers: list[int]) -> list[tuple[frozenset[str], Reason | None]]:
    """Return who is silent, and what is said, after each look at such answers."""
    one = SimpleNamespace(name="canary-1", host="127.0.0.1", health_port=served.port, health="")

    async def look() -> list[tuple[frozenset[str], Reason | None]]:
        watch = CanaryWatch(Living())
        found = []
        for status in answers:
            served.health = status
            trouble = await watch.trouble([one])
            found.append((watch.silent, trouble))
        return found

    return asyncio.run(look())


def test_a_replica_that_did_not_answer_the_latest_probe_is_silent(served):
    silent = [names for names, _ in looked(served, [200, 503, 200])]
    assert silent == [frozenset(), {"canary-1"}, frozenset()]


def test_three_probes_without_an_answer_in_a_row_are_trouble(served):
    troubles = [trouble for _, trouble in looked(served, [503, 503, 200, 503, 503, 503])]
    assert troubles[:5] == [None] * 5
    assert "canary-1" in str(troubles[5])


def test_harm_to_others_is_told_before_a_death():
    harm = Reason("store_locked", "It kept the store locked.")
    watch = CanaryWatch(Living(), lambda _: None, lambda _: harm)
    assert asyncio.run(watch.trouble([])) is harm


@pytest.mark.parametrize(("status", "well"), [(200, True), (204, True), (302, False), (500, False)])
def test_a_replica_of_another_service_is_asked_at_its_own_health_path(served, status, well):
    one = SimpleNamespace(
        name="orders-1", host="127.0.0.1", health_port=served.port, health="/lease/mine"
    )
    served.health = status

    async def look() -> frozenset[str]:
        watch = CanaryWatch(Living())
        await watch.trouble([one])
        return watch.silent

    assert asyncio.run(look()) == (frozenset() if well else {"orders-1"})
    assert served.health_checks == ["/lease/mine"]
