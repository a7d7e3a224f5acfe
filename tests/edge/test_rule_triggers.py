"""What makes the edge ask again, and what nobody can keep it from."""

import threading
import time

import anyio
import httpx
import pytest

from ostiary.edge.counters import StratumCounts
from ostiary.edge.edge import Edge
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.kernel.outcomes import Outcome
from tests.edge.conftest import CANARY, LAST_GOOD, Servers, until
from tests.edge.replicas import Reply, Request, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

SURGE = 60
BEGUN = f"HTTP/1.1 200 OK\r\nx-auth-outcome: {CANARY}/ok\r\n".encode()


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 2", BEGUN, b"\x00\x01 no protocol\r\n\r\n", b"HTTP/1.1 999999 ?\r\n\r\n"],
    ids=["closed", "status cut off", "head cut off", "no protocol", "no status"],
)
async def test_an_answer_that_ends_before_its_head_does_is_hidden(
    answer: bytes, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(raw=answer))
    await edge.start(servers.model(1.0))

    assert (await client.post("/sign-in", content=b"form")).text == "last good"
    assert [request.body for request in servers.last_good.seen] == [b"form"]


@pytest.mark.parametrize(
    "body",
    [
        Reply(raw=BEGUN + b"content-length: 100\r\n\r\nhalf"),
        Reply(raw=BEGUN + b"transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        Reply(raw=BEGUN + b"content-length: 100\r\n\r\nhalf", stall=True),
    ],
    ids=["too short", "without a last chunk", "stalled"],
)
async def test_an_answer_that_breaks_off_cannot_be_hidden_and_counts_as_a_failure(
    body: Reply, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(body)
    await edge.start(servers.model(1.0, per_try_timeout_s=2 if body.stall else 20))

    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/demo")

    async def counted() -> bool:
        stratum = (await edge.counters()).strata().get(("page", "canary"), StratumCounts())
        return stratum.requests == stratum.final_failures == 1

    await until(counted)
    assert servers.last_good.seen == []


async def test_an_attempt_that_breaks_off_is_a_fault_whatever_its_outcome_said(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(raw=BEGUN + b"content-length: 100\r\n\r\nhalf"))
    await edge.start(servers.model(1.0))

    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/demo")

    assert (await edge.counters()).strata()["page", "canary"].faults == 1


async def test_a_good_outcome_on_a_server_error_is_asked_again_and_counts_as_a_fault(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    statuses = iter([500, 501, 502, 503, 504, 511, 599])
    servers.canary.answer = lambda _: Reply(next(statuses), b"Oops", f"{CANARY}/ok")
    await edge.start(servers.model(1.0))

    answers = {(await client.post("/sign-in")).text for _ in range(7)}

    assert answers == {"last good"}
    stratum = (await edge.counters()).strata()["sign_in", "canary"]
    assert (stratum.requests, stratum.faults, stratum.overturned) == (7, 7, 7)


async def test_a_fault_keeps_its_name_in_the_counters(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(503, b"", f"{CANARY}/store_unavailable"))
    await edge.start(servers.model(1.0))

    await client.post("/sign-in")

    first = [key.outcome for key in (await edge.counters()).attempts if key.first]
    assert first == [Outcome.STORE_UNAVAILABLE]


@pytest.mark.parametrize(
    "name",
    [
        "x-envoy-ratelimited",
        "x-envoy-overloaded",
        "x-envoy-degraded",
        "x-envoy-immediate-health-check-fail",
    ],
)
async def test_a_release_cannot_forbid_the_second_opinion_on_its_answer(
    name: str, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500, b"Oops", headers={name: "true"}))
    await edge.start(servers.model(1.0))

    answers = [await client.post("/sign-in") for _ in range(3)]

    assert {answer.text for answer in answers} == {"last good"}
    assert len(servers.canary.seen) == 3


async def test_a_client_cannot_change_how_often_or_how_long_is_asked(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500, b"Oops"))
    servers.last_good.answer = always(Reply(500, b"Oops too", f"{LAST_GOOD}/internal_error"))
    await edge.start(servers.model(1.0))

    answer = await client.post(
        "/sign-in",
        headers={
            "x-envoy-max-retries": "9",
            "x-envoy-retry-on": "5xx",
            "x-envoy-retriable-status-codes": "500",
            "x-envoy-upstream-rq-timeout-ms": "1",
            "x-envoy-upstream-rq-per-try-timeout-ms": "1",
            "x-envoy-hedge-on-per-try-timeout": "true",
        },
    )

    assert answer.text == "Oops too"
    assert [request.attempt for request in servers.canary.seen] == [1]
    assert [request.attempt for request in servers.last_good.seen] == [2]


async def test_a_hanging_canary_leaves_the_last_good_version_its_time(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(hang=True))

    def slowly(_: Request) -> Reply:
        time.sleep(0.5)
        return Reply(200, b"last good", f"{LAST_GOOD}/ok")

    servers.last_good.answer = slowly
    await edge.start(servers.model(1.0, per_try_timeout_s=2))

    assert (await client.get("/demo")).text == "last good"


async def test_many_second_opinions_at_the_same_time_lose_none(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    together = threading.Barrier(SURGE)

    def once_all_are_there(_: Request) -> Reply:
        together.wait(60)
        return Reply(200, b"last good", f"{LAST_GOOD}/ok")

    servers.canary.answer = always(Reply(500, b"Oops"))
    servers.last_good.answer = once_all_are_there
    await edge.start(servers.model(1.0, per_try_timeout_s=60))
    texts: list[str] = []

    async def sign_in() -> None:
        texts.append((await client.post("/sign-in", timeout=120)).text)

    async with anyio.create_task_group() as group:
        for _ in range(SURGE):
            group.start_soon(sign_in)

    assert texts == ["last good"] * SURGE


async def test_a_refusal_that_is_meant_stands_where_it_is_meant_and_nowhere_else(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    refused = Reply(400, b"refused", f"{CANARY}/invalid_scope")
    servers.canary.answer = always(refused)
    meant = IntendedRefusal("token", "invalid_scope")
    await edge.start(servers.model(1.0, intended=(meant,)))

    assert (await client.post("/oauth2/token", content=b"form")).text == "refused"
    assert (await client.post("/oauth2/introspect", content=b"form")).text == "last good"
    servers.canary.answer = always(Reply(400, b"refused", f"{CANARY}/invalid_client"))
    assert (await client.post("/oauth2/token", content=b"form")).text == "last good"
    servers.canary.answer = always(Reply(500, b"oops", f"{CANARY}/invalid_scope"))
    assert (await client.post("/oauth2/token", content=b"form")).text == "last good"

    async def counted() -> bool:
        canary = (await edge.counters()).strata(frozenset({meant})).get(("token", "canary"))
        return canary is not None and canary.requests == 3

    await until(counted)
    canary = (await edge.counters()).strata(frozenset({meant}))["token", "canary"]
    assert (canary.refusals, canary.faults, canary.overturned) == (1, 1, 2)
