"""Overload: another replica of the same version is asked, once, and a storm of retries ends."""

import threading
from collections.abc import Iterator

import anyio
import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.model import EdgePlace
from tests.edge.conftest import CANARY, LAST_GOOD, Servers
from tests.edge.replicas import Replica, Reply, Request, always, replica

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

OVERLOADED = Reply(503, b"busy", f"{LAST_GOOD}/overloaded", {"retry-after": "7"})
SECOND = Reply(200, b"second", f"{LAST_GOOD}/ok")


@pytest.fixture
def second(servers: Servers) -> Iterator[Replica]:
    """A second replica of the last good version."""
    with replica(SECOND) as running:
        servers.extra_stable = (running,)
        yield running


@pytest.mark.parametrize("outcome", ["overloaded", "store_unavailable"])
async def test_a_replica_that_cannot_serve_leaves_the_request_to_another_one(
    outcome: str, servers: Servers, second: Replica, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(503, b"busy", f"{LAST_GOOD}/{outcome}"))
    await edge.start(servers.model())

    answers = {(await client.post("/sign-in", content=b"form")).text for _ in range(10)}

    assert answers == {"second"}
    asked_first = {request.request_id for request in servers.last_good.seen}
    asked_again = {each.request_id for each in second.seen if each.attempt == 2}
    assert asked_first == asked_again
    assert {request.body for request in second.seen} == {b"form"}


async def test_when_all_are_overloaded_each_is_asked_once_and_the_client_is_told_when_to_return(
    servers: Servers, second: Replica, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = second.answer = always(OVERLOADED)
    await edge.start(servers.model())

    answers = [await client.post("/sign-in") for _ in range(10)]

    assert {(each.status_code, each.headers["retry-after"]) for each in answers} == {(503, "7")}
    asked = [{each.request_id for each in one.seen} for one in (servers.last_good, second)]
    assert asked[0] == asked[1]
    assert len(servers.last_good.seen) == len(second.seen) == 10


async def test_a_refusal_is_not_asked_of_the_other_replica(
    servers: Servers, second: Replica, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(429, b"slower", f"{LAST_GOOD}/rate_limited"))
    await edge.start(servers.model())

    texts = [(await client.post("/sign-in")).text for _ in range(10)]

    assert sorted(texts) == ["second"] * 5 + ["slower"] * 5
    assert {request.attempt for request in second.seen} == {1}


async def test_overload_is_asked_elsewhere_in_both_arms(
    servers: Servers, second: Replica, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(503, b"busy", f"{CANARY}/overloaded"))
    servers.last_good.answer = _busy_at_first
    second.answer = _busy_at_first
    await edge.start(servers.model(0.5))

    answers = {(await client.post("/sign-in")).text for _ in range(40)}

    assert answers == {"last good"}
    strata = (await edge.counters()).strata()
    for arm in ("canary", "control"):
        stratum = strata["sign_in", arm]
        assert stratum.requests == stratum.faults == stratum.overturned > 0


async def test_a_single_replica_that_is_overloaded_is_not_asked_twice(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(OVERLOADED)
    await edge.start(servers.model(0.0))

    answers = [await client.post("/sign-in") for _ in range(5)]

    assert {(each.status_code, each.text) for each in answers} == {(503, "busy")}
    assert [request.attempt for request in servers.last_good.seen] == [1] * 5


@pytest.mark.parametrize(
    "failure",
    [
        Reply(500, b"Oops", f"{LAST_GOOD}/internal_error"),
        Reply(599, b"Oops", f"{LAST_GOOD}/ok"),
        Reply(503, b"Oops"),
        Reply(200, b"Oops"),
        Reply(reset=True),
        Reply(hang=True),
    ],
    ids=["500", "599", "503 without outcome", "no outcome", "reset", "hang"],
)
async def test_any_other_failure_of_a_single_replica_is_tried_once_more(
    failure: Reply, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    good = Reply(200, b"last good", f"{LAST_GOOD}/ok")
    servers.last_good.answer = lambda request: failure if request.attempt == 1 else good
    await edge.start(servers.model(per_try_timeout_s=2 if failure.hang else 20))

    assert (await client.post("/sign-in")).text == "last good"


async def test_a_storm_of_retries_is_bounded_and_those_left_out_get_the_first_answer(
    servers: Servers,
    second: Replica,
    edge: Edge,
    place: EdgePlace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ostiary.edge.cluster_limits.RETRIES_AT_ONCE", 10)
    storm = Storm(40)
    servers.last_good.answer = second.answer = storm
    await edge.start(servers.model(per_try_timeout_s=50))

    answers = await storm.break_loose(place)

    # A fifth of 40 is less than 10, so it is 10 at the same time.
    assert sorted(answers) == ["busy"] * 30 + ["in time"] * 10


async def test_retries_of_canary_and_control_are_not_bounded(
    servers: Servers,
    second: Replica,
    edge: Edge,
    place: EdgePlace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ostiary.edge.cluster_limits.RETRIES_AT_ONCE", 5)
    storm = Storm(60)
    servers.canary.answer = servers.last_good.answer = second.answer = storm
    await edge.start(servers.model(0.5, per_try_timeout_s=50))

    answers = await storm.break_loose(place)

    assert answers == ["in time"] * 60
    strata = (await edge.counters()).strata()
    assert strata["sign_in", "canary"].overturned > 10
    assert strata["sign_in", "control"].overturned > 10


def _busy_at_first(request: Request) -> Reply:
    return OVERLOADED if request.attempt == 1 else Reply(200, b"last good", f"{LAST_GOOD}/ok")


class Storm:
    """Requests of which all first attempts fail at the same moment.

    Their retries are held until each request has been asked again or answered.
    """

    def __init__(self, requests: int) -> None:
        self._requests = requests
        self._all_there = threading.Barrier(requests)
        self._retries = threading.Semaphore(0)
        self._calm = threading.Event()
        self._answers: list[str] = []

    def __call__(self, request: Request) -> Reply:
        if request.attempt == 1:
            self._all_there.wait(60)
            return OVERLOADED
        self._retries.release()
        self._calm.wait(60)
        return Reply(200, b"in time", f"{LAST_GOOD}/ok")

    async def break_loose(self, place: EdgePlace) -> list[str]:
        """Send all requests at once; return the answers."""
        url = f"http://{place.listen_host}:{place.listen_port}"
        limits = httpx.Limits(max_connections=None)
        async with (
            httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(self._requests):
                group.start_soon(self._sign_in, client)
            held = 0
            with anyio.fail_after(60):
                while held + len(self._answers) < self._requests:
                    held += self._retries.acquire(blocking=False)
                    await anyio.sleep(0.001)
            self._calm.set()
        return self._answers

    async def _sign_in(self, client: httpx.AsyncClient) -> None:
        self._answers.append((await client.post("/sign-in")).text)
