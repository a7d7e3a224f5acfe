import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.route_classes import CLASS_NAMES
from ostiary.kernel.outcomes import PIN_HEADER
from tests.edge.conftest import TOKEN, Servers, until
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


async def test_canary_and_control_get_the_same_random_share(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(0.25))

    for _ in range(800):
        await client.get("/demo")

    async def counted() -> dict[str, int]:
        strata = (await edge.counters()).strata()
        return {arm: strata["page", arm].requests for arm in ("canary", "control", "stable")}

    async def all_counted() -> bool:
        return sum((await counted()).values()) == 800

    # Envoy counts a request a moment after its answer.
    await until(all_counted)
    counts = await counted()
    assert sum(counts.values()) == 800
    # Five standard deviations on either side of 200, 200 and 400.
    assert 139 <= counts["canary"] <= 261
    assert 139 <= counts["control"] <= 261
    assert 330 <= counts["stable"] <= 470
    assert len(servers.canary.seen) == counts["canary"]


async def test_arms_are_drawn_anew_for_each_request_of_a_connection(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(0.5))

    texts = {(await client.get("/demo")).text for _ in range(60)}

    assert texts == {"canary", "last good"}


async def test_from_half_on_there_is_no_stable_share_and_at_all_no_control(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(0.9))
    for _ in range(60):
        await client.get("/demo")
    assert {arm for _, arm in (await edge.counters()).strata()} == {"canary", "control"}

    await edge.apply(servers.model(1.0))
    before = len(servers.canary.seen)
    for _ in range(20):
        await client.get("/demo")
    assert len(servers.canary.seen) == before + 20


async def test_at_share_zero_only_pinned_journeys_reach_the_canary(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(0.0))

    for _ in range(20):
        assert (await client.get("/demo")).text == "last good"
    pinned = await client.get("/demo", headers={PIN_HEADER: TOKEN})

    assert pinned.text == "canary"
    assert (await edge.counters()).strata()["page", "pinned"].requests == 1


async def test_a_pinned_request_shows_the_canary_as_it_is(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500, b"Oops"))
    servers.lease.health = 503
    await edge.start(servers.model(1.0))

    answer = await client.post("/sign-in", headers={PIN_HEADER: TOKEN})

    assert (answer.status_code, answer.text) == (500, "Oops")
    assert servers.last_good.seen == []
    stratum = (await edge.counters()).strata()["sign_in", "pinned"]
    assert (stratum.requests, stratum.faults, stratum.final_failures) == (1, 1, 1)


async def test_a_wrong_pin_and_one_without_a_canary_change_nothing_and_are_dropped(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(0.0))
    assert (await client.get("/demo", headers={PIN_HEADER: "guess"})).text == "last good"
    await edge.apply(servers.model())
    assert (await client.get("/demo", headers={PIN_HEADER: TOKEN})).text == "last good"
    assert all(PIN_HEADER not in request.headers for request in servers.last_good.seen)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/sign-in", "sign_in"),
        ("POST", "/sign-up", "sign_up"),
        ("POST", "/sign-out?return_to=/demo", "sign_out"),
        ("GET", "/oauth2/authorize?client_id=a", "authorize"),
        ("POST", "/oauth2/token", "token"),
        ("GET", "/oauth2/userinfo", "userinfo"),
        ("POST", "/oauth2/introspect", "introspect"),
        ("POST", "/ofrep/v1/evaluate/flags", "flags"),
        ("GET", "/oauth2/end-session", "end_session"),
        ("GET", "/oauth2/jwks", "discovery"),
        ("GET", "/.well-known/openid-configuration", "discovery"),
        ("GET", "/sign-in", "page"),
        ("GET", "/", "page"),
    ],
)
async def test_each_request_is_counted_in_its_class(
    method: str, path: str, expected: str, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    await client.request(method, path)

    strata = (await edge.counters()).strata()
    assert list(strata) == [(expected, "stable")]
    assert strata[expected, "stable"].requests == 1
    assert expected in CLASS_NAMES
