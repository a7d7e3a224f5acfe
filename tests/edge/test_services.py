"""A real Envoy between clients and a service beside identity."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import anyio
import httpx
import pytest

from ostiary.edge.counters import FinalKey
from ostiary.edge.edge import Edge
from ostiary.edge.model import EdgeModel, EdgePlace, Endpoint
from ostiary.edge.route_classes import Arm, Served, service_class
from ostiary.edge.service_model import GuardedService
from ostiary.edge.validation import Validator
from ostiary.kernel.outcomes import EDGE_HEADER, OUTCOME_HEADER, PIN_HEADER, RECEIVED_HEADER
from tests.edge.conftest import CANARY, LAST_GOOD, TOKEN, Servers, until
from tests.edge.replicas import Replica, Reply, always, free_port, replica

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

POLICY = "default-src 'self' https://cdn.example.org"


@pytest.fixture
def orders() -> Iterator[tuple[Replica, Replica]]:
    with replica(Reply(200, b"orders")) as first, replica(Reply(200, b"orders")) as second:
        yield first, second


def service(replicas: tuple[Replica, ...], **changes: object) -> GuardedService:
    endpoints = tuple(
        Endpoint(f"orders-{seat}", "127.0.0.1", each.port, each.port, seat=seat)
        for seat, each in enumerate(replicas)
    )
    plain = GuardedService("orders", endpoints, ("/orders", "/baskets"), "/live", timeout_s=5)
    return replace(plain, **changes)  # type: ignore[arg-type]


def with_services(model: EdgeModel, *services: GuardedService) -> EdgeModel:
    return replace(model, services=services)


async def test_only_what_lies_below_its_routes_reaches_a_service(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    await edge.start(with_services(servers.model(0.1), service(orders)))

    for path in ("/orders", "/orders/7", "/orders?state=open", "/baskets/1", "/orders/caf%C3%A9"):
        assert (await client.get(path)).text == "orders", path
    for path in ("/ordersx", "/", "/demo", "/x/orders"):
        assert (await client.get(path)).text in {"last good", "canary"}, path
    asked = [request.path for each in orders for request in each.seen]
    assert "/orders/caf%C3%A9" in asked
    assert "/orders?state=open" in asked
    # Both replicas get requests, and no attempt of a service counts for a change.
    assert all(each.seen for each in orders)
    counters = await edge.counters()
    assert not any(stratum.startswith("service_") for stratum, _ in counters.strata())


async def test_authorization_passes_and_the_edges_own_words_do_not(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    await edge.start(with_services(servers.model(0.5), service(orders)))
    authorization = "Bearer " + "x" * 2_000

    await client.get(
        "/orders",
        headers={
            "authorization": authorization,
            "cookie": "a=b",
            PIN_HEADER: TOKEN,
            EDGE_HEADER: "forged",
            "x-auth-user": "admin",
            "x-forwarded-for": "203.0.113.9",
        },
    )

    (seen,) = [request.headers for each in orders for request in each.seen]
    assert seen["authorization"] == authorization
    assert seen["cookie"] == "a=b"
    assert seen["x-forwarded-for"] != "203.0.113.9"
    assert seen["x-request-id"]
    assert not {EDGE_HEADER, PIN_HEADER, RECEIVED_HEADER, "x-auth-user"} & set(seen)
    assert TOKEN not in str(seen)


async def test_the_answers_of_a_service_are_its_own_but_for_inside_headers(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    own = {
        "content-security-policy": POLICY,
        "cross-origin-opener-policy": "unsafe-none",
        "permissions-policy": "camera=(self)",
    }
    inside = {OUTCOME_HEADER: f"{LAST_GOOD}/ok", "x-ostiary-edge": "1", "x-envoy-ratelimited": "1"}
    for each in orders:
        each.answer = always(Reply(200, b"orders", headers=own | inside))
    await edge.start(with_services(servers.model(), service(orders)))

    answer = await client.get("/orders")

    assert {name: answer.headers[name] for name in own} == own
    assert "x-content-type-options" not in answer.headers
    assert not [name for name in answer.headers if name.startswith(("x-envoy-", "x-ostiary-"))]
    assert OUTCOME_HEADER not in answer.headers
    # Identity's answers keep what the edge adds.
    assert (await client.get("/demo")).headers["x-content-type-options"] == "nosniff"


async def test_a_prefix_is_taken_off_where_the_service_wants_it(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    await edge.start(with_services(servers.model(), service(orders, strip_prefix=True)))

    for path in ("/orders", "/orders/", "/orders/7/lines?a=/orders/1", "/baskets/2"):
        await client.get(path)

    seen = [
        (request.path, request.headers["x-forwarded-prefix"]) for r in orders for request in r.seen
    ]
    assert sorted(seen) == sorted(
        [
            ("/", "/orders"),
            ("/", "/orders"),
            ("/7/lines?a=/orders/1", "/orders"),
            ("/2", "/baskets"),
        ]
    )


async def test_a_replica_that_is_gone_is_asked_no_more_and_nobody_notices(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    await edge.start(with_services(servers.model(), service(orders)))
    orders[0].close()

    answers = [await client.post("/orders", content=b"{}") for _ in range(20)]

    assert [answer.status_code for answer in answers] == [200] * 20


async def test_a_post_that_broke_off_is_not_asked_again_and_a_get_is(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    for each in orders:
        each.answer = always(Reply(reset=True))
    await edge.start(with_services(servers.model(), service(orders)))

    posted = await client.post("/orders", content=b"{}")
    after_post = sum(len(each.seen) for each in orders)
    read = await client.get("/orders")

    assert (posted.status_code, read.status_code) == (503, 503)
    assert after_post == 1
    assert sum(len(each.seen) for each in orders) == 3


async def test_an_error_of_a_service_stands_and_is_asked_of_nobody_else(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    for each in orders:
        each.answer = always(Reply(500, b"broken"))
    await edge.start(with_services(servers.model(0.5), service(orders)))

    answer = await client.get("/orders")

    assert (answer.status_code, answer.text) == (500, "broken")
    assert sum(len(each.seen) for each in orders) == 1
    assert not servers.last_good.seen


@pytest.mark.parametrize("strip_prefix", [True, False])
async def test_while_no_replica_answers_the_edge_says_so_in_json(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, *, strip_prefix: bool
) -> None:
    none = service((), strip_prefix=strip_prefix)
    await edge.start(with_services(servers.model(), none))

    answer = await client.get("/orders/7", headers={"accept": "text/html"})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["message"] == "The service cannot answer at the moment."
    assert (await client.get("/demo")).status_code == 200


async def test_a_hanging_service_takes_its_own_time_out(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    for each in orders:
        each.answer = always(Reply(hang=True))
    await edge.start(with_services(servers.model(), service(orders, timeout_s=0.2)))

    assert (await client.get("/orders")).status_code == 504


async def test_requests_above_the_capacity_are_answered_503_at_once(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    for each in orders:
        each.answer = always(Reply(hang=True))
    limited = service(orders, requests_max=2, timeout_s=60)
    await edge.start(with_services(servers.model(), limited))
    answers: list[int] = []

    async def ask() -> None:
        answers.append((await client.get("/orders")).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(ask)
        await until(lambda: _is(lambda: len(answers) == 4))
        group.cancel_scope.cancel()

    assert answers == [503] * 4


async def _is(holds: Callable[[], bool]) -> bool:
    return holds()


async def test_answers_are_counted_by_service_and_route(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    await edge.start(with_services(servers.model(), service(orders)))
    await edge.counters()
    for path in ("/orders", "/orders/1", "/baskets"):
        await client.get(path)
    for each in orders:
        each.answer = always(Reply(404, b"", f"{CANARY}/ok"))
    await client.get("/baskets/none")
    await client.post("/baskets")
    first, second = (service_class("orders", number, safe=True) for number in (1, 2))

    async def counted() -> bool:
        finals = (await edge.counters()).finals
        return finals == {
            FinalKey(first, Arm.STABLE, "2xx"): 2,
            FinalKey(second, Arm.STABLE, "2xx"): 1,
            FinalKey(second, Arm.STABLE, "4xx"): 1,
            FinalKey(service_class("orders", 2, safe=False), Arm.STABLE, "4xx"): 1,
        }

    await until(counted)
    counters = await edge.counters()
    assert sum(counters.first_attempts("service_orders", Served.LAST_GOOD, 2)) == 5
    # No word of the service makes a counter of its own.
    assert {key.outcome.value for key in counters.attempts} == {"good", "refused"}
    assert counters.unnamed_since(counters) == 0


async def test_services_come_and_go_while_the_edge_runs(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, orders: tuple[Replica, Replica]
) -> None:
    await edge.start(servers.model())
    assert (await client.get("/orders")).text == "last good"

    await edge.apply(with_services(servers.model(), service(orders)))
    assert (await client.get("/orders")).text == "orders"

    await edge.apply(servers.model())
    assert (await client.get("/orders")).text == "last good"


def test_envoy_takes_sixteen_services_with_all_that_they_can_have(
    servers: Servers, place: EdgePlace
) -> None:
    place.directory.mkdir()
    many = [
        GuardedService(
            f"{'s' * 28}_{number}",
            (Endpoint(f"s-{number}", "127.0.0.1", free_port(), free_port()),),
            tuple(f"/s{number}/{route}.a~b_c-d" for route in range(16)),
            "/health/of_it",
            timeout_s=600,
            strip_prefix=True,
            requests_max=100_000,
        )
        for number in range(16)
    ]

    Validator(place).check(with_services(servers.model(0.1), *many))
