import itertools
from collections.abc import Callable

import anyio
import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.health import CanaryHealth
from ostiary.edge.model import Endpoint
from tests.edge.conftest import CANARY, LAST_GOOD, Servers, until
from tests.edge.replicas import Reply, Request, always, free_port

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

TRIGGERS = {
    "redirect with an error": Reply(
        302, b"", f"{CANARY}/invalid_request", {"location": "/?error=x"}
    ),
    "page with an error and status 200": Reply(200, b"Wrong.", f"{CANARY}/bad_credentials"),
    "refusal with status 401": Reply(401, b"", f"{CANARY}/invalid_client"),
    "fault with status 200": Reply(200, b"", f"{CANARY}/internal_error"),
    "no outcome header": Reply(200, b"canary"),
    "unknown outcome": Reply(200, b"canary", f"{CANARY}/splendid"),
    "outcome of a stranger": Reply(200, b"canary", "s-eeeeeeeeeeee/ok"),
    "good outcome with more behind it": Reply(200, b"canary", f"{CANARY}/ok/no"),
    "status 500": Reply(500, b"Oops", f"{CANARY}/ok"),
    "connection reset": Reply(reset=True),
    "no answer": Reply(hang=True),
}


@pytest.mark.parametrize("reply", TRIGGERS.values(), ids=TRIGGERS.keys())
async def test_what_is_not_plainly_good_is_asked_of_the_last_good_version(
    reply: Reply, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(reply)
    await edge.start(servers.model(1.0, per_try_timeout_s=2 if reply.hang else 20))

    answer = await client.post("/sign-in", data={"email": "a@example.org"})

    assert (answer.status_code, answer.text) == (200, "last good")
    first, second = servers.canary.seen[0], servers.last_good.seen[0]
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.request_id == second.request_id == answer.headers["x-request-id"]
    assert first.body == second.body == b"email=a%40example.org"


async def test_a_canary_that_refuses_connections_is_masked(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(1.0))
    servers.canary.close()

    answer = await client.get("/sign-in")

    assert (answer.status_code, answer.text) == (200, "last good")


@pytest.mark.parametrize("outcome", ["ok", "login_required", "no_credentials", "slow_down"])
async def test_what_is_plainly_good_stands(
    outcome: str, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(200, b"canary", f"{CANARY}/{outcome}"))
    await edge.start(servers.model(1.0))

    assert (await client.get("/oauth2/authorize")).text == "canary"
    assert servers.last_good.seen == []


async def test_a_refusal_that_both_give_reaches_the_user_as_the_last_good_version_gave_it(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(200, b"canary says no", f"{CANARY}/bad_credentials"))
    servers.last_good.answer = always(Reply(200, b"no", f"{LAST_GOOD}/bad_credentials"))
    await edge.start(servers.model(1.0))

    assert (await client.post("/sign-in")).text == "no"
    stratum = (await edge.counters()).strata()["sign_in", "canary"]
    assert (stratum.requests, stratum.refusals, stratum.overturned) == (1, 1, 0)


async def test_a_refusal_that_the_last_good_version_does_not_share_is_hidden_and_counted(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(200, b"canary says no", f"{CANARY}/bad_credentials"))
    await edge.start(servers.model(1.0))

    answers = [await client.post("/sign-in") for _ in range(5)]

    assert {answer.text for answer in answers} == {"last good"}
    stratum = (await edge.counters()).strata()["sign_in", "canary"]
    assert (stratum.requests, stratum.refusals, stratum.faults) == (5, 5, 0)
    assert (stratum.overturned, stratum.final_failures) == (5, 0)


async def test_the_last_good_version_is_never_overruled_with_one_of_two_canaries_down(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.extra_canaries = (Endpoint("canary-2", "127.0.0.1", free_port(), free_port()),)
    servers.lease.unhealthy_hosts = {"canary-2"}
    servers.last_good.answer = always(Reply(401, b"no", f"{LAST_GOOD}/bad_credentials"))
    servers.canary.answer = _yes_to_every_second()
    await edge.start(servers.model(1.0))

    assert await edge.canary_health() == CanaryHealth(healthy=1, hosts=2)
    answers = [await client.post("/sign-in") for _ in range(60)]

    # All first attempts meet the canary that is left: none spills to the last good version, of
    # which the canary could then overrule the refusal.
    assert [request.attempt for request in servers.canary.seen] == [1] * 60
    assert {request.attempt for request in servers.last_good.seen} == {2}
    assert [answer.status_code for answer in answers] == [200, 401] * 30


async def test_a_refusal_stands_that_the_last_good_version_gives_for_a_drained_canary(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(401, b"no", f"{LAST_GOOD}/bad_credentials"))
    await edge.start(servers.model(1.0))
    servers.lease.health = 503

    async def drained() -> bool:
        return (await edge.canary_health()).healthy == 0

    await until(drained)
    servers.canary.seen.clear()
    answers = [await client.post("/sign-in") for _ in range(20)]

    assert {answer.status_code for answer in answers} == {401}
    assert {request.attempt for request in servers.last_good.seen} == {1}
    assert servers.canary.seen == []


async def test_a_failure_of_the_last_good_version_is_not_asked_of_a_drained_canary(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.lease.health = 503
    servers.last_good.answer = always(Reply(503, b"busy", f"{LAST_GOOD}/overloaded"))
    await edge.start(servers.model(1.0))

    answer = await client.post("/sign-in")

    assert (answer.status_code, answer.text) == (503, "busy")
    assert [request.attempt for request in servers.last_good.seen] == [1, 2]
    assert servers.canary.seen == []


async def test_a_refusal_in_the_control_arm_is_final(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(401, b"no", f"{LAST_GOOD}/bad_credentials"))
    servers.canary.answer = always(Reply(401, b"no", f"{CANARY}/bad_credentials"))
    await edge.start(servers.model(0.5))

    for _ in range(40):
        await client.post("/sign-in")

    strata = (await edge.counters()).strata()
    assert strata["sign_in", "control"].requests > 0
    assert len(servers.canary.seen) == strata["sign_in", "canary"].requests
    assert {request.attempt for request in servers.canary.seen} == {1}


async def test_a_body_at_the_limit_is_replayed_and_one_above_it_is_refused(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500, b"Oops"))
    await edge.start(servers.model(1.0))

    largest = bytes(range(256)) * 256
    assert (await client.post("/sign-in", content=largest)).text == "last good"
    assert servers.canary.seen[0].body == servers.last_good.seen[0].body == largest

    refused = await client.post("/sign-in", content=largest + b"x")
    assert refused.status_code == 413
    assert refused.json()["error"] == "too_large"
    assert len(servers.canary.seen) == len(servers.last_good.seen) == 1


async def test_a_surge_of_second_opinions_loses_none(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500, b"Oops"))
    await edge.start(servers.model(1.0))
    answers: list[httpx.Response] = []

    async def sign_in() -> None:
        answers.append(await client.post("/sign-in"))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(sign_in)

    assert {answer.text for answer in answers} == {"last good"}


def _yes_to_every_second() -> Callable[[Request], Reply]:
    numbers = itertools.count()

    def answer(_: Request) -> Reply:
        good = next(numbers) % 2 == 0
        return Reply(200, b"yes", f"{CANARY}/{'ok' if good else 'bad_credentials'}")

    return answer
