import itertools
import signal

import httpx
import pytest

from ostiary.edge.access_stats import DURATION_BUCKETS_MS
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Edge
from ostiary.edge.latencies import LatencyKey
from ostiary.edge.model import EdgePlace
from ostiary.edge.route_classes import Arm, Served
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.outcomes import Outcome
from ostiary.kernel.processes import send_signal
from tests.edge.conftest import CANARY, LAST_GOOD, Servers, until
from tests.edge.replicas import Reply, Request, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


async def test_outcomes_that_a_release_invents_are_one_fault_each_and_no_new_counter(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    numbers = itertools.count()
    servers.canary.answer = lambda _: Reply(200, b"", f"{CANARY}/invented_{next(numbers):x}")
    await edge.start(servers.model(1.0))
    await client.get("/demo")
    before = await _counter_names(edge)

    for _ in range(200):
        await client.get("/demo")

    assert await _counter_names(edge) == before
    counters = await edge.counters()
    stratum = counters.strata()["page", "canary"]
    assert (stratum.requests, stratum.faults, stratum.overturned) == (201, 201, 201)
    assert counters.unnamed_since(EdgeCounters()) == 0


@pytest.mark.parametrize(
    "value", ["", "/", "ok", f"{CANARY}/ok,{CANARY}/ok", "a" * 300 + "/ok", "é"]
)
async def test_a_malformed_outcome_counts_as_other(
    value: str, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(200, b"", value))
    await edge.start(servers.model())

    await client.get("/demo")

    outcomes = {key.outcome for key in (await edge.counters()).attempts}
    assert outcomes == {Outcome.OTHER}


async def test_every_outcome_is_counted_under_its_own_name(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    remaining = iter(Outcome)
    servers.last_good.answer = lambda _: Reply(200, b"", f"{LAST_GOOD}/{next(remaining).value}")
    await edge.start(servers.model())

    for _ in Outcome:
        await client.get("/demo")

    attempts = (await edge.counters()).attempts
    assert {key.outcome: count for key, count in attempts.items()} == dict.fromkeys(Outcome, 1)
    assert {key.served for key in attempts} == {Served.LAST_GOOD}


async def test_counts_of_several_envoys_are_added_and_survive_a_restart(
    servers: Servers, place: EdgePlace
) -> None:
    edge = Edge(place, count=2, clock=SystemClock())
    try:
        await edge.start(servers.model())
        await _each_on_a_new_connection(place, 40)
        assert (await edge.counters()).strata()["page", "stable"].requests == 40

        killed = edge.records[0]
        assert send_signal(killed, signal.SIGKILL)
        await until(lambda: _replaced(edge, killed.pid))
        await _each_on_a_new_connection(place, 40)

        counters = await edge.counters()
        assert counters.strata()["page", "stable"].requests == 80
        assert counters.finals_total == 80
    finally:
        await edge.stop()


async def test_durations_are_those_of_attempts_and_tell_the_arms_apart(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(hang=True))
    await edge.start(servers.model(1.0, per_try_timeout_s=2))
    await client.get("/demo")

    async def both_are_in() -> bool:
        return sum(map(sum, (await edge.latencies()).buckets.values())) == 2

    await until(both_are_in)
    buckets = (await edge.latencies()).buckets
    slow = buckets[LatencyKey("page", Arm.CANARY, Served.CANARY, first=True)]
    fast = buckets[LatencyKey("page", Arm.CANARY, Served.LAST_GOOD, first=False)]
    assert _milliseconds(slow) >= 2000 > _milliseconds(fast)


async def test_hidden_paths_are_in_no_stratum(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    await client.get("/admin/users")

    counters = await edge.counters()
    assert counters.strata() == {}
    assert (counters.finals_total, counters.finals_named) == (1, 1)


async def test_a_request_that_no_replica_takes_is_a_final_failure_without_an_attempt(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    def vanish(_: Request) -> Reply:
        return Reply(reset=True)

    servers.last_good.answer = vanish
    await client.post("/sign-in")

    stratum = (await edge.counters()).strata()["sign_in", "stable"]
    assert (stratum.requests, stratum.faults, stratum.final_failures) == (1, 1, 1)


async def _counter_names(edge: Edge) -> set[str]:
    text = await edge._fleet.live()[0].admin.stats("^ostiary", kind="Counters")
    return {line.partition(": ")[0] for line in text.splitlines()}


async def _each_on_a_new_connection(place: EdgePlace, count: int) -> None:
    url = f"http://{place.listen_host}:{place.listen_port}/demo"
    async with httpx.AsyncClient(headers={"connection": "close"}, timeout=60) as client:
        for _ in range(count):
            assert (await client.get(url)).status_code == 200


async def _replaced(edge: Edge, pid: int) -> bool:
    await edge.restart(0)
    return pid not in edge.pids and len(edge.pids) == 2


def _milliseconds(counts: tuple[int, ...]) -> int:
    return max(end for end, count in zip(DURATION_BUCKETS_MS, counts, strict=True) if count)
