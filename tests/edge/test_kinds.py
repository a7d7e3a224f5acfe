"""Kinds of requests are counted on a real Envoy by closed lists, and users never see them."""

import itertools

import httpx
import pytest

from ostiary.edge.counters import StratumCounts
from ostiary.edge.edge import Edge
from ostiary.edge.latencies import LatencyKey
from ostiary.edge.route_classes import Arm, Served
from ostiary.kernel.request_kinds import KIND_HEADER, Kind
from tests.edge.conftest import CANARY, LAST_GOOD, Servers, until
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

TOKEN = "/oauth2/token"


def _says(outcome: str, kind: str, status: int = 200) -> Reply:
    return Reply(status, b"", outcome, {KIND_HEADER: kind})


async def test_a_failure_without_a_kind_gets_the_kind_that_the_second_opinion_names(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500, b"Oops"))
    servers.last_good.answer = always(_says(f"{LAST_GOOD}/ok", "client_credentials"))
    await edge.start(servers.model(1.0))

    answers = [await client.post(TOKEN) for _ in range(7)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any(KIND_HEADER in answer.headers for answer in answers)
    strata = (await edge.counters()).strata()
    assert strata["token", "canary"] == StratumCounts(
        requests=7, faults=7, overturned=7, disagreements=7
    )
    part = strata["token.client_credentials", "canary"]
    assert (part.requests, part.overturned) == (7, 7)
    assert {stratum for stratum, _ in strata} == {"token", "token.client_credentials"}


async def test_every_request_of_a_kind_counts_once_whoever_answered_it(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    replies = itertools.cycle(
        [
            _says(f"{CANARY}/ok", "refresh_token"),
            _says(f"{CANARY}/invalid_grant", "refresh_token", 400),
            _says(f"{CANARY}/internal_error", "refresh_token", 500),
        ]
    )
    servers.canary.answer = lambda _: next(replies)
    servers.last_good.answer = always(_says(f"{LAST_GOOD}/invalid_grant", "refresh_token", 400))
    await edge.start(servers.model(1.0))

    for _ in range(9):
        await client.post(TOKEN)

    part = (await edge.counters()).strata()["token.refresh_token", "canary"]
    assert part == StratumCounts(requests=9, faults=3, refusals=3, overturned=0)


async def test_a_kind_counts_on_its_own_class_only(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(_says(f"{LAST_GOOD}/ok", "password"))
    await edge.start(servers.model())

    for path in (TOKEN, "/sign-in", "/demo"):
        await client.post(path)

    kinds = {key.route_class: key.kind for key in (await edge.counters()).attempts}
    assert kinds == {"token": None, "sign_in": Kind.PASSWORD, "page": None}


async def test_invented_kinds_make_no_new_counter(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    hostile = [
        "x refresh_token",
        "refresh_token x",
        "refresh_token,refresh_token",
        "REFRESH_TOKEN",
        "token.stable refresh_token",
        "a" * 4000,
        ".*",
    ]
    invented = itertools.chain(["first"], hostile, (f"kind_{each}" for each in range(200)))
    servers.last_good.answer = lambda _: _says(f"{LAST_GOOD}/ok", next(invented))
    await edge.start(servers.model())
    await client.post(TOKEN)
    before = await _names(edge)

    for _ in range(len(hostile) + 200):
        await client.post(TOKEN)

    new = {name for name in await _names(edge) - before if name.startswith("ostiary")}
    assert new == set()
    counters = await edge.counters()
    assert {key.kind for key in counters.attempts} == {None}
    assert counters.strata()["token", "stable"].requests == len(hostile) + 201


async def test_a_clients_own_word_on_the_kind_does_not_reach_the_replica(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    await client.post(TOKEN, headers={KIND_HEADER: "refresh_token"})

    assert KIND_HEADER not in servers.last_good.seen[-1].headers


async def test_durations_are_told_apart_by_kind(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    kinds = itertools.cycle(["refresh_token", "client_credentials", "client_credentials"])
    servers.last_good.answer = lambda _: _says(f"{LAST_GOOD}/ok", next(kinds))
    await edge.start(servers.model())
    for _ in range(6):
        await client.post(TOKEN)

    async def counted() -> dict[Kind | None, int]:
        buckets = (await edge.latencies()).buckets
        return {
            kind: sum(buckets.get(_key(kind), ()))
            for kind in (None, *Kind)
            if _key(kind) in buckets
        }

    async def all_are_in() -> bool:
        return sum((await counted()).values()) == 6

    await until(all_are_in)
    assert await counted() == {Kind.REFRESH_TOKEN: 2, Kind.CLIENT_CREDENTIALS: 4}


def _key(kind: Kind | None) -> LatencyKey:
    return LatencyKey("token", Arm.STABLE, Served.LAST_GOOD, first=True, kind=kind)


async def _names(edge: Edge) -> set[str]:
    text = await edge._fleet.live()[0].admin.stats("", kind="Counters")
    return {line.partition(": ")[0] for line in text.splitlines()}
