"""A real Envoy in front of a service in canary: what it hides, what not, and what it counts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import anyio
import httpx
import pytest

from ostiary.edge.clusters import is_canary_cluster
from ostiary.edge.counters import AttemptKey, StratumCounts
from ostiary.edge.edge import Edge
from ostiary.edge.health import CanaryHealth
from ostiary.edge.latencies import LatencyKey
from ostiary.edge.model import EdgeModel, EdgePlace, Endpoint, Lease
from ostiary.edge.route_classes import Arm, Served, service_strata
from ostiary.edge.service_answers import ServiceAnswer
from ostiary.edge.service_model import GuardedService, ServiceCanary
from ostiary.edge.validation import Validator
from ostiary.kernel.outcomes import OUTCOME_HEADER, PIN_HEADER
from tests.edge.conftest import TOKEN, Servers, cluster_statuses, until
from tests.edge.replicas import Replica, Reply, always, free_port, replica

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

SAFE, UNSAFE = service_strata("orders", 1)
NEW = Reply(200, b"new", headers={"x-of": "new"})
GOOD = Reply(200, b"good", headers={"x-of": "good"})
BROKEN = {
    "a server error": Reply(500, b"broken"),
    "an overload": Reply(503, headers={"x-envoy-overloaded": "true", "x-envoy-ratelimited": "1"}),
    "a refusal of who asks": Reply(401, headers={"www-authenticate": "Bearer"}),
    "a refusal of the right": Reply(403),
    "nothing found": Reply(404),
    "too many requests": Reply(429, headers={"retry-after": "60"}),
    "a word of its own": Reply(500, b"broken", outcome="last_good/200"),
    "an unknown status": Reply(raw=b"HTTP/1.1 700 What\r\ncontent-length: 0\r\n\r\n"),
    "a reset": Reply(reset=True),
    "no HTTP": Reply(raw=b"SSH-2.0-OpenSSH\r\n"),
    "an end before the head": Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-le"),
    "a hang": Reply(hang=True),
}


@dataclass
class Orders:
    """A service with a last good version of two replicas and a canary."""

    good: tuple[Replica, Replica]
    new: Replica
    servers: Servers
    canary_seconds_max: float = 60
    """How long the canary may take; less where it hangs."""

    def model(self, share: float, **changes: object) -> EdgeModel:
        service = self.service(share, **changes)
        return replace(self.servers.model(), services=(service,))

    def canary(self, share: float, **changes: object) -> ServiceCanary:
        lease = Lease("c-1", "e-1", "127.0.0.1", self.servers.lease.port)
        own = (_endpoint("new-0", self.new),)
        plain = ServiceCanary("s-new", own, share, lease, timeout_s=self.canary_seconds_max)
        return replace(plain, **changes)  # type: ignore[arg-type]

    def service(self, share: float, **changes: object) -> GuardedService:
        arm = self.canary(share)
        good = tuple(_endpoint(f"good-{n}", each, n) for n, each in enumerate(self.good))
        plain = GuardedService("orders", good, ("/orders",), "/live", timeout_s=60, canary=arm)
        return replace(plain, **changes)  # type: ignore[arg-type]

    def asked(self) -> tuple[int, int]:
        """Return how many requests the canary and the last good version have seen."""
        return len(self.new.seen), sum(len(each.seen) for each in self.good)

    def forget(self) -> None:
        for each in (self.new, *self.good):
            each.seen.clear()


def _endpoint(name: str, of: Replica, seat: int = 0) -> Endpoint:
    return Endpoint(name, "127.0.0.1", of.port, of.port, seat=seat)


@pytest.fixture
def orders(servers: Servers) -> Iterator[Orders]:
    with replica(GOOD) as first, replica(GOOD) as second, replica(NEW) as new:
        yield Orders((first, second), new, servers)


async def start(edge: Edge, model: EdgeModel, health: CanaryHealth | None = None) -> None:
    """Start an edge; return once all of last good live and the canary's health is as expected.

    A first health check that a busy machine leaves waiting would take a replica out for a while.
    """
    await edge.start(model)
    expected = health or CanaryHealth(1, 1)

    async def ready() -> bool:
        return await edge.canary_health() == expected and not await last_good_that_fail(edge)

    await until(ready)


async def last_good_that_fail(edge: Edge) -> list[object]:
    """Return the addresses of the last good replicas that Envoy holds to be away."""
    return [
        host["address"]
        for cluster in await cluster_statuses(edge)
        if not is_canary_cluster(cluster["name"])
        for host in cluster.get("host_statuses", ())
        if host.get("health_status", {}).get("failed_active_health_check")
    ]


async def strata(edge: Edge, requests: int) -> dict[tuple[str, str], StratumCounts]:
    """Return the numbers of the service once so many answers are counted."""

    async def counted() -> bool:
        return sum((await edge.counters()).finals.values()) >= requests

    await until(counted)
    return (await edge.counters()).strata(classes=(SAFE, UNSAFE))


async def test_a_canary_that_is_broken_in_any_way_is_hidden_where_a_request_may_be_asked_again(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    orders.canary_seconds_max = 1
    # A path may be asked again where both versions say so, each in its own words.
    widened = orders.canary(1.0, ask_again=("/orders",))
    await start(edge, orders.model(1.0, ask_again=("/orders/search",), canary=widened))

    for what, reply in BROKEN.items():
        orders.forget()
        orders.new.answer = always(reply)
        for answer in (
            await client.get("/orders/7"),
            await client.head("/orders?a=b"),
            await client.options("/orders"),
            await client.delete("/orders/search/7"),
            await client.post("/orders/search", content=b"q" * 60_000),
        ):
            assert (answer.status_code, answer.headers["x-of"]) == (200, "good"), what
            assert OUTCOME_HEADER not in answer.headers
        asked_new, asked_good = orders.asked()
        assert asked_new > 0, what
        assert asked_good == 5, what
        assert {len(each.body) for g in orders.good for each in g.seen} == {0, 60_000}


async def test_at_half_the_share_nobody_sees_a_broken_canary_and_it_counts_against_it(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    orders.canary_seconds_max = 1
    await start(edge, orders.model(0.5))
    await edge.counters()
    kinds = list(BROKEN)
    answers: Counter[int] = Counter()
    for number in range(84):
        orders.new.answer = always(BROKEN[kinds[number % len(kinds)]])
        answers[(await client.get("/orders")).status_code] += 1

    assert answers == {200: 84}
    counts = await strata(edge, 84)
    canary, control = (counts[SAFE, arm.value] for arm in (Arm.CANARY, Arm.CONTROL))
    # What a canary leaves to others while its lease is late is in no arm.
    left = AttemptKey(SAFE, Arm.CANARY, Served.LAST_GOOD, True, ServiceAnswer.GOOD)
    in_no_arm = (await edge.counters()).attempts.get(left, 0)
    assert canary.requests + control.requests + in_no_arm == 84
    assert min(canary.requests, control.requests) > 15
    assert canary.requests == canary.faults + canary.refusals == canary.overturned
    assert canary.disagreements == canary.overturned
    assert min(canary.faults, canary.refusals) > 0
    assert canary.final_failures == 0
    assert control == StratumCounts(requests=control.requests)
    # How long attempts took is known for each arm as well, a little later.
    timed = {
        LatencyKey(SAFE, Arm.CANARY, Served.CANARY, first=True): canary.requests,
        LatencyKey(SAFE, Arm.CONTROL, Served.LAST_GOOD, first=True): control.requests,
    }

    async def all_timed() -> bool:
        buckets = (await edge.latencies()).buckets
        return {key: sum(buckets.get(key, ())) for key in timed} == timed

    await until(all_timed)


async def test_what_may_have_been_done_is_asked_again_only_where_nobody_got_it(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    orders.canary_seconds_max = 1
    # The canary's settings do not name the path, so last good's word alone does not count.
    await start(edge, orders.model(1.0, ask_again=("/orders/search",)))
    await edge.counters()
    requests = 0

    async def at_the_canary(method: str, path: str) -> httpx.Response:
        """Ask until the canary was asked: a tenth is control's."""
        nonlocal requests
        while True:
            seen = len(orders.new.seen)
            answer = await client.request(method, path)
            requests += 1
            if len(orders.new.seen) > seen:
                return answer

    for path in ("/orders", "/orders/search"):
        orders.new.answer = always(Reply(500, b"broken"))
        assert (await at_the_canary("DELETE", path)).text == "broken"
        orders.new.answer = always(Reply(404, b"none"))
        assert (await at_the_canary("POST", path)).text == "none"
        orders.new.answer = always(Reply(hang=True))
        assert (await at_the_canary("POST", path)).status_code == 504
        orders.new.answer = always(Reply(reset=True))
        assert (await at_the_canary("POST", path)).status_code == 503
    assert len(orders.new.seen) == 8
    of_last_good = {request.request_id for each in orders.good for request in each.seen}
    assert not of_last_good & {request.request_id for request in orders.new.seen}

    orders.new.close()
    assert {(await client.post("/orders", content=b"{}")).text for _ in range(20)} == {"good"}

    counts = (await strata(edge, requests + 20))[UNSAFE, Arm.CANARY.value]
    assert counts.refusals == 2
    assert counts.final_failures == 6
    assert counts.overturned > 10
    assert counts.faults == 6 + counts.overturned


async def test_in_bake_a_tenth_of_what_may_have_been_done_stays_with_last_good(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    await start(edge, orders.model(1.0))
    await edge.counters()

    reads = Counter([(await client.get("/orders")).text for _ in range(60)])
    orders_made = Counter([(await client.post("/orders")).text for _ in range(100)])

    assert reads == {"new": 60}
    assert set(orders_made) == {"new", "good"}
    assert orders_made["new"] > orders_made["good"]
    counts = await strata(edge, 160)
    assert counts[UNSAFE, Arm.CONTROL.value].requests == orders_made["good"]
    assert (SAFE, Arm.CONTROL.value) not in counts


async def test_the_last_good_version_is_never_overruled(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    refusals = {"/orders/none": 404, "/orders/mine": 401, "/orders/twice": 409}
    for each in orders.good:
        each.answer = lambda request: Reply(refusals[request.path], b"good says no")
    orders.new.answer = always(Reply(400, b"new says no"))

    # In the canary's arm: both refuse, and the answer is last good's.
    await start(edge, orders.model(1.0))
    for path, status in refusals.items():
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (status, "good says no")
    assert orders.asked() == (3, 3)

    # In the control arm: the canary would say yes, and is not asked.
    orders.forget()
    orders.new.answer = always(NEW)
    await edge.apply(orders.model(0.000_001))
    for path, status in refusals.items():
        assert (await client.get(path)).status_code == status
    await edge.apply(orders.model(0.999_999))
    orders.new.answer = always(NEW)
    assert orders.asked() == (0, 3)

    # Where the lease is gone, last good answers in the canary's arm, and stands there as well.
    orders.servers.lease.health = 503
    orders.forget()

    async def drained() -> bool:
        return (await edge.canary_health()).healthy == 0

    await edge.apply(orders.model(1.0))
    await until(drained)
    for path, status in refusals.items():
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (status, "good says no")
    assert orders.asked() == (0, 3)


async def test_control_asks_again_what_last_good_fails_so_that_both_arms_can_be_compared(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    orders.good[0].answer = always(Reply(500, b"broken"))
    await start(edge, orders.model(0.5))
    await edge.counters()

    answers = Counter([(await client.get("/orders")).text for _ in range(60)])

    assert set(answers) == {"new", "good"}
    counts = await strata(edge, 60)
    control = counts[SAFE, Arm.CONTROL.value]
    assert control.faults == control.overturned > 0
    assert counts[SAFE, Arm.CANARY.value].faults == 0


async def test_a_canary_that_is_half_down_keeps_all_its_first_attempts(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    with replica(NEW) as other:
        both = (_endpoint("new-0", orders.new), _endpoint("new-1", other, 1))
        orders.servers.lease.unhealthy_hosts = {"new-1"}
        for each in orders.good:
            each.answer = always(Reply(401, b"no"))
        arm = orders.canary(1.0, endpoints=both)
        await start(edge, orders.model(1.0, canary=arm), CanaryHealth(1, 2))

        answers = {(await client.get("/orders")).text for _ in range(40)}

        assert answers == {"new"}
        assert orders.asked() == (40, 0)
        assert not other.seen


async def test_a_lease_that_is_gone_drains_the_canary_while_users_are_served(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    await start(edge, orders.model(1.0))
    assert (await client.get("/orders")).text == "new"
    orders.servers.lease.close()
    orders.forget()

    async def answered_by_last_good() -> bool:
        return (await client.get("/orders")).text == "good"

    await until(answered_by_last_good)
    orders.forget()
    await edge.counters()
    for method in ("GET", "POST"):
        assert {(await client.request(method, "/orders")).text for _ in range(10)} == {"good"}
    assert orders.asked() == (0, 20)


async def test_only_pinned_journeys_see_the_canary_at_share_zero_and_they_see_it_as_it_is(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    await start(edge, orders.model(0.0, strip_prefix=True))
    pin = {PIN_HEADER: TOKEN}

    assert {(await client.get("/orders")).text for _ in range(10)} == {"good"}
    assert (await client.get("/orders/1", headers=pin)).text == "new"
    assert (await client.post("/orders/1", headers=pin)).text == "new"
    assert (await client.get("/orders/1", headers={PIN_HEADER: "guessed"})).text == "good"
    assert {request.path for request in orders.new.seen} == {"/1"}
    for each in (orders.new, *orders.good):
        assert not any(PIN_HEADER in request.headers for request in each.seen)
    orders.new.answer = always(Reply(500, b"broken"))
    answer = await client.get("/orders", headers=pin)
    assert (answer.status_code, answer.text) == (500, "broken")
    # Identity has no canary meanwhile, and its requests are as ever.
    assert (await client.get("/demo", headers=pin)).text == "last good"

    counts = await strata(edge, 15)
    assert counts[SAFE, Arm.PINNED.value].requests == 2
    assert counts[SAFE, Arm.PINNED.value].faults == 1
    assert counts[UNSAFE, Arm.PINNED.value].requests == 1


async def test_rubbish_that_both_versions_refuse_is_no_disagreement_and_who_leaves_counts_nowhere(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    for each in (orders.new, *orders.good):
        each.answer = always(Reply(400, b"rubbish"))
    await start(edge, orders.model(0.5))
    await edge.counters()
    for _ in range(60):
        assert (await client.get("/orders/%ff")).status_code == 400

    for each in (orders.new, *orders.good):
        each.answer = always(Reply(hang=True))
    await edge.apply(orders.model(0.5, timeout_s=60, canary=orders.canary(0.5, timeout_s=60)))
    asked = sum(orders.asked())
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(client.get, "/orders")

        async def all_there() -> bool:
            return sum(orders.asked()) == asked + 8

        await until(all_there)
        group.cancel_scope.cancel()

    counts = await strata(edge, 68)
    canary, control = (counts[SAFE, arm.value] for arm in (Arm.CANARY, Arm.CONTROL))
    assert canary.requests == canary.refusals > 0
    assert control.requests == control.refusals > 0
    assert canary.requests + control.requests == 60
    assert (canary.overturned, canary.disagreements, canary.faults) == (0, 0, 0)


async def test_a_body_above_the_limit_is_refused_before_any_version_sees_it(
    orders: Orders, edge: Edge, client: httpx.AsyncClient
) -> None:
    await start(edge, orders.model(1.0))

    assert (await client.post("/orders", content=b"x" * 70_000)).status_code == 413
    assert orders.asked() == (0, 0)


def test_envoy_takes_sixteen_services_in_canary_with_all_that_they_can_have(
    servers: Servers, place: EdgePlace
) -> None:
    place.directory.mkdir()
    lease = Lease("c-1", "e-1", "127.0.0.1", 9)
    many = []
    for number in range(16):
        routes = tuple(f"/s{number}/{route}.a~b_c-d" for route in range(16))
        paths = tuple(f"{route}/again" for route in routes)
        good, new = (
            Endpoint(f"{name}-{number}", "127.0.0.1", free_port(), free_port())
            for name in ("good", "new")
        )
        arm = ServiceCanary("s-new", (new,), 0.1, lease, timeout_s=600, ask_again=paths)
        name = f"{'s' * 28}_{number}"
        many.append(
            GuardedService(
                name, (good,), routes, "/health", 600, True, 100_000, ask_again=paths, canary=arm
            )
        )

    many[0] = replace(many[0], endpoints=())
    Validator(place).check(replace(servers.model(), services=tuple(many)))
