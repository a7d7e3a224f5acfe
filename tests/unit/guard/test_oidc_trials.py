"""A guarded provider's journeys, under the names and addresses that its service has."""

import asyncio
from pathlib import Path

import pytest

from ostiary.guard.oidc_trials import OidcJourneys
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.outcomes import EDGE_HEADER, PIN_HEADER
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.routes import ServiceRoutes
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.own_journeys.conftest import Application

PUBLIC = "https://login.example.test"


@pytest.fixture
def server():
    running = Application()
    yield running
    running.server.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    return file


def journeys(secret: Path, **more) -> OidcJourneys:
    settings = {"client_id": "p", "client_secret_file": str(secret), "client_credentials": True}
    routes = ServiceRoutes("login", ("/op",))
    return OidcJourneys(OidcSettings.model_validate(settings | more), routes)


def tried(found: OidcJourneys, server: Application, *, pin: str | None = None) -> OwnReport:
    async def run() -> OwnReport:
        transport = KeptConnections()
        place = Place(Target("here", server.server.url, PUBLIC, pin=pin), transport)
        clock, rng = SystemClock(), SeededRandom(3)
        try:
            if pin is not None:
                return await found.through(place, None, clock, rng)
            return await found.rehearsed([place], [], clock, rng)
        finally:
            await transport.aclose()

    return asyncio.run(run())


def test_a_member_is_asked_at_the_issuers_path_as_a_proxy_asks_it(server, secret):
    report = tried(journeys(secret), server).report

    first = server.seen[0]
    assert first.path == "/op/.well-known/openid-configuration"
    assert first.headers["host"] == first.headers["x-forwarded-host"] == "login.example.test"
    assert first.headers["x-forwarded-proto"] == "https"
    assert EDGE_HEADER not in first.headers
    assert {each.journey for each in report.failures} == {
        "services.login.oidc.discovery",
        "services.login.oidc.client_credentials",
    }
    assert {each.stratum for each in report.failures} == {"service_login_1_safe"}


def test_an_issuer_may_stand_deeper_than_the_route(server, secret):
    tried(journeys(secret, issuer_path="/op/realms/main"), server)

    assert server.seen[0].path == "/op/realms/main/.well-known/openid-configuration"


def test_the_canary_is_asked_through_the_edge_by_its_pin(server, secret):
    tried(journeys(secret), server, pin="the-pin")

    assert server.seen[0].headers[PIN_HEADER] == "the-pin"
    assert "x-forwarded-host" not in server.seen[0].headers


@pytest.mark.parametrize("pin", [None, "the-pin"])
def test_a_secret_that_cannot_be_read_is_told_and_is_no_fault_of_the_group(server, secret, pin):
    secret.unlink()

    found = tried(journeys(secret), server, pin=pin)

    assert found.report.failures == ()
    assert found.report.journeys == 0
    assert [(each.journey, each.step) for each in found.broken] == [
        ("services.login.oidc", "secrets")
    ]
    assert "is no file" in found.broken[0].got
    assert server.seen == []
