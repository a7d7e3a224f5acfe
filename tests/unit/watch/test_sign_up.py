import asyncio

import pytest

from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_api import AdminApi
from ostiary.watch.journeys.pinned import run_pinned_journeys
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyReport
from ostiary.watch.journeys.running import run_journeys
from ostiary.watch.journeys.sign_up import sign_up_journey
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN

ISSUER = "http://login.example.test"


def sign_up(provider, clock, rng, *, last_good=None) -> JourneyReport:
    """Walk the journey alone; the account is made and deleted at `last_good`."""
    old = last_good or provider

    async def run():
        async with (
            KeptConnections() as transport,
            ProbeAdmin(old.url, ADMIN_TOKEN, rng=rng) as admin,
            admin.accounts(1) as made,
        ):
            target = Target("candidate", provider.url, ISSUER, snapshot=provider.snapshot)
            site = await Site.open(target, transport, clock=clock, rng=rng)
            elsewhere = await Site.open(
                Target("last good", old.url, ISSUER), transport, clock=clock, rng=rng
            )
            journey = sign_up_journey(site, made[0], admin, sign_in_at=elsewhere)
            return await run_journeys([journey], clock)

    return asyncio.run(run())


def test_somebody_new_signs_up_and_is_gone_afterwards(start, store, clock, rng):
    report = sign_up(start(issuer=ISSUER), clock, rng)

    assert [str(failure) for failure in report.failures] == []
    assert {"sign_up", "authorize", "token", "userinfo"} <= report.strata_passed
    assert store.users == {}


def test_where_sign_up_is_closed_nothing_is_proven(start, clock, rng):
    report = sign_up(start(issuer=ISSUER, faults={"sign_up_closed"}), clock, rng)

    assert report.passed
    assert report.strata_passed == frozenset()


FAULTS = {
    "sign_up_page_crashes": ("sign_up_page", "page", FailureKind.FAULT),
    "sign_up_refuses_everybody": ("sign_up", "sign_up", FailureKind.REFUSED),
    "sign_up_crashes": ("sign_up", "sign_up", FailureKind.FAULT),
    "sign_up_without_session": ("authorize_after_sign_up", "page", FailureKind.REFUSED),
    "sign_up_as_another": ("token", "token.authorization_code", FailureKind.WRONG_IDENTITY),
    "sign_up_takes_over": ("sign_up", "sign_up", FailureKind.GRANTED),
    "sign_up_tells_whose": ("sign_up", "sign_up", FailureKind.WRONG_CONTENT),
    "sign_up_spoils_password": ("sign_in", "sign_in.password", FailureKind.REFUSED),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_told_by_its_step_and_leaves_no_account(fault, start, store, clock, rng):
    report = sign_up(start(issuer=ISSUER, faults={fault}), clock, rng)

    (failure,) = report.failures
    assert (failure.step, failure.stratum, failure.kind) == FAULTS[fault]
    assert store.users == {}


def test_an_account_that_a_candidate_made_must_work_at_the_last_good_version(
    start, store, clock, rng
):
    last_good = start(issuer=ISSUER, snapshot="s-old")
    candidate = start(issuer=ISSUER, snapshot="s-new", faults={"sign_up_spoils_password"})

    report = sign_up(candidate, clock, rng, last_good=last_good)

    (failure,) = report.failures
    assert (failure.target, failure.step) == ("last good", "sign_in")


def test_through_the_edge_the_account_is_deleted_at_the_admin_address(start, store, clock, rng):
    replica = start(issuer=ISSUER)
    # As the edge: no outcome header, and no admin API.
    edge = start(issuer=ISSUER, faults={"no_outcome_header"})
    asked = []
    edge.before = lambda request: asked.append(request.path)

    async def run():
        async with (
            ProbeAdmin(replica.url, ADMIN_TOKEN, rng=rng) as admin,
            admin.accounts(1) as made,
        ):
            report = await run_pinned_journeys(
                edge.url, "hush", issuer=ISSUER, accounts=made, clock=clock, rng=rng, admin=admin
            )
            return report, list(store.users), [made[0].email]

    report, left, own = asyncio.run(run())

    assert [str(failure) for failure in report.failures] == []
    assert "sign_up" in report.strata_passed
    assert left == own
    assert not [path for path in asked if path.startswith("/admin")]


def test_newcomers_left_behind_are_swept(start, store, rng):
    provider = start()

    async def run():
        async with AdminApi(provider.url, ADMIN_TOKEN) as api:
            # Made by the form, so nothing marks it as a probe.
            await api.create_user("newcomer-1@probe.invalid", "secret-password")
            await api.create_user("me@example.org", "secret-password")
        async with ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng) as admin:
            return await admin.sweep()

    assert asyncio.run(run()) == 1
    assert list(store.users) == ["me@example.org"]


def test_an_account_that_cannot_be_deleted_is_no_news_of_the_service(start, store, clock, rng):
    provider = start(issuer=ISSUER)

    async def run():
        async with (
            KeptConnections() as transport,
            ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng) as admin,
            ProbeAdmin("http://127.0.0.1:1", ADMIN_TOKEN, rng=rng) as gone,
            admin.accounts(1) as made,
        ):
            target = Target("replica", provider.url, ISSUER)
            site = await Site.open(target, transport, clock=clock, rng=rng)
            report = await run_journeys([sign_up_journey(site, made[0], gone)], clock)
            return report, len(store.users)

    report, users = asyncio.run(run())

    assert report.passed
    assert users == 2
