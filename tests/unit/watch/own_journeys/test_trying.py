"""Candidate and last good side by side: whose fault a failed journey is."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.probes import ProbeAccount
from ostiary.watch.own_journeys.trying import OwnTools, try_own_journeys
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.connections import KeptConnections
from tests.unit.watch.own_journeys.conftest import Application, journeys_in, of_json
from tests.unit.watch.small_provider.wire import Response

TENANT = """
[guard.journeys.tenant]
vouches_for = "userinfo"
[[guard.journeys.tenant.steps]]
name = "the tenant's header"
path = "/api"
expect = { status = 200, headers = { x-tenant = "acme" } }
"""
OTHER = """
[[guard.journeys.other.steps]]
name = "health"
path = "/health"
expect.status = 200
"""
GOOD = Response(200, "", b"", [("x-tenant", "acme")])
BAD = Response(200, "", b"", [("x-tenant", "none")])


@pytest.fixture
def last_good():
    running = Application()
    yield running
    running.server.close()


@pytest.fixture
def made() -> list[str]:
    """Return what is done for accounts, in its order."""
    return []


@pytest.fixture
def attempt(application, last_good, clock, rng, made):
    @asynccontextmanager
    async def account():
        made.append("made")
        yield ProbeAccount("p@probe.invalid", "p", "c", "s", "https://x/", None, None)
        made.append("deleted")

    def run(toml: str, *, account=account):
        async def go():
            transport = KeptConnections()
            try:
                return await try_own_journeys(
                    journeys_in(toml),
                    [Place(application.target, transport)],
                    control=Place(last_good.target, transport),
                    tools=OwnTools(account, clock, rng, {}),
                )
            finally:
                await transport.aclose()

        return asyncio.run(go())

    return run


def test_a_journey_that_passes_vouches_for_its_routes(application, last_good, attempt):
    application.on("/api", GOOD)
    found = attempt(TENANT)
    assert found.report.passed
    assert found.report.strata_passed == {"userinfo"}
    # The control has nothing to say where nothing failed.
    assert last_good.seen == []


def test_what_fails_on_the_candidate_alone_speaks_against_it(application, last_good, attempt):
    application.on("/api", BAD)
    last_good.on("/api", GOOD)
    found = attempt(TENANT)
    (failure,) = found.report.failures
    assert str(failure) == (
        "journeys.tenant, step the tenant's header: expected header x-tenant: acme, got none "
        "(candidate)"
    )
    assert (found.report.strata_passed, found.broken) == (frozenset(), ())


def test_what_fails_on_last_good_as_well_says_nothing(application, last_good, attempt):
    application.on("/api", BAD)
    last_good.on("/api", BAD)
    application.on("/health", Response(200, ""))
    found = attempt(TENANT + OTHER)
    assert found.report.failures == ()
    assert found.report.strata_passed == frozenset()
    assert found.report.journeys == 1
    assert [each.journey for each in found.broken] == ["journeys.tenant"]


def test_a_broken_journey_hides_no_other_failure(application, last_good, attempt):
    application.on("/api", BAD)
    last_good.on("/api", BAD)
    last_good.on("/health", Response(200, ""))
    found = attempt(TENANT + OTHER)
    assert [each.journey for each in found.report.failures] == ["journeys.other"]
    assert len(found.broken) == 1


NEEDS_ACCOUNT = """
[[guard.journeys.own.steps]]
name = "who"
method = "POST"
path = "/who"
json_body = { deep = [{ email = "{probe.email}" }] }
expect = { status = 200, json_body = { email = "p@probe.invalid" } }
"""


def test_every_walk_has_an_account_of_its_own(application, last_good, attempt, made):
    last_good.on("/who", of_json({"email": "p@probe.invalid"}))
    found = attempt(NEEDS_ACCOUNT)
    assert len(found.report.failures) == 1
    assert made == ["made", "deleted"] * 2


def test_a_journey_without_one_makes_none(application, attempt, made):
    application.on("/health", Response(200, ""))
    assert attempt(OTHER).report.passed
    assert made == []


def test_accounts_that_cannot_be_made_are_the_callers_affair(attempt):
    @asynccontextmanager
    async def account():
        raise AdminApiError("unavailable", "the store is away")
        yield

    with pytest.raises(AdminApiError):
        attempt(NEEDS_ACCOUNT + OTHER, account=account)
