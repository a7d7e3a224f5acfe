import httpx
import pytest

from ostiary.edge.edge import Edge
from tests.edge.conftest import LAST_GOOD, Servers
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]
BROWSER = {"accept": "text/html,application/xhtml+xml,application/json;q=0.1"}


async def test_when_nobody_answers_people_get_a_page_with_the_status_page_and_a_reference(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())
    servers.last_good.close()

    answer = await client.get("/sign-in", headers=BROWSER)

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["cache-control"] == "no-store"
    assert "Sign-in is unavailable right now" in answer.text
    assert "Nothing is lost" in answer.text
    assert 'href="https://status.example.org/?a=1&amp;b=2"' in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "%%" not in answer.text
    assert "width: 100%;" in answer.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/oauth2/token", BROWSER),
        ("/.well-known/openid-configuration", {}),
        ("/demo", {"accept": "application/json"}),
    ],
)
async def test_when_nobody_answers_programs_get_json(
    path: str,
    headers: dict[str, str],
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    await edge.start(servers.model())
    servers.last_good.close()

    answer = await client.get(path, headers=headers)

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == "temporarily_unavailable"
    assert answer.json()["status_url"] == "https://status.example.org/?a=1&b=2"


async def test_a_hanging_service_ends_in_the_page_within_the_time_out(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(hang=True))
    await edge.start(servers.model(per_try_timeout_s=0.5))

    answer = await client.get("/sign-in", headers=BROWSER)

    assert answer.status_code == 504
    assert "Sign-in is unavailable right now" in answer.text
    stratum = (await edge.counters()).strata()["page", "stable"]
    assert (stratum.requests, stratum.faults, stratum.final_failures) == (1, 1, 1)


async def test_an_error_that_a_replica_answers_is_left_as_it_is(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = always(Reply(503, b"own words", f"{LAST_GOOD}/store_unavailable"))
    await edge.start(servers.model())

    assert (await client.get("/sign-in", headers=BROWSER)).text == "own words"
