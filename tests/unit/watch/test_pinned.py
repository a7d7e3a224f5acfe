import asyncio

import pytest

from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.pinned import run_pinned_journeys, run_quick_journeys
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, combine, failed_strata
from ostiary.watch.journeys.running import AT_ONCE
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN

ISSUER = "http://login.example.test"


def run_pinned(
    provider, clock, rng, *, accounts=4, again=1, last_good=None, connections=None, at_once=AT_ONCE
):
    async def run():
        reports = []
        async with (
            connections or KeptConnections() as transport,
            ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng) as admin,
            admin.accounts(accounts) as made,
        ):
            for _ in range(again):
                report = await run_pinned_journeys(
                    provider.url,
                    "hush",
                    issuer=ISSUER,
                    accounts=made,
                    clock=clock,
                    rng=rng,
                    last_good=last_good,
                    transport=transport,
                    at_once=at_once,
                )
                reports.append(report)
        return reports

    return asyncio.run(run())


def test_the_same_accounts_pass_again_and_again(start, clock, rng):
    provider = start(issuer=ISSUER)

    reports = run_pinned(provider, clock, rng, again=3)

    assert [str(failure) for report in reports for failure in report.failures] == []
    assert all(report.passed for report in reports)
    assert "sign_in" in reports[-1].strata_passed


def test_a_fault_for_some_accounts_shows_within_one_run(start, clock, rng):
    report = run_pinned(start(issuer=ISSUER, faults={"crashes_for_some"}), clock, rng)[0]

    assert not report.passed
    assert "sign_in" in report.strata_failed


@pytest.mark.parametrize(
    ("fault", "got"),
    [
        ("wrong_default_audience", "it is for another audience: 'urn:nobody'"),
        ("expires_in_a_year", "it lives longer than a day"),
        ("wrong_client_id", "it names another client"),
    ],
)
def test_wrong_tokens_show_beside_last_good_and_cannot_be_hidden(fault, got, start, clock, rng):
    old = start(issuer=ISSUER, snapshot="s-old")
    canary = start(issuer=ISSUER, snapshot="s-new", faults={fault})
    last_good = Target("last good", old.url, ISSUER, snapshot="s-old")

    (report,) = run_pinned(canary, clock, rng, last_good=last_good)

    assert {(each.step, each.got) for each in report.failures} <= {
        ("token", got),
        ("client_credentials", got),
    }
    assert ("token", got) in {(each.step, each.got) for each in report.failures}
    assert not report.hideable
    assert not report.verified


def test_a_last_good_that_mints_nothing_is_named_as_the_target(start, clock, rng):
    old = start(issuer=ISSUER, snapshot="s-old", faults={"token_endpoint_crashes"})
    last_good = Target("last good", old.url, ISSUER, snapshot="s-old")

    (report,) = run_pinned(start(issuer=ISSUER), clock, rng, last_good=last_good)

    assert [(each.step, each.target) for each in report.failures] == [
        ("reference_token", "last good")
    ]


@pytest.mark.parametrize("fault", ["signature_ignored", "any_client_secret", "open_redirect"])
def test_a_wrong_yes_is_found_without_a_sign_in(fault, start, clock, rng):
    provider = start(issuer=ISSUER, faults={fault})

    async def run():
        target = Target("replica", provider.url, ISSUER, snapshot="s-good")
        async with (
            ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng) as admin,
            admin.accounts(1) as made,
        ):
            return await run_quick_journeys(
                [target], accounts=made, clock=clock, rng=rng, sign_in=False
            )

    report = asyncio.run(run())

    assert not report.passed
    assert report.strata_passed == frozenset(), "refusals alone prove no stratum"


class Counting(KeptConnections):
    """Remembers how many requests were under way together at most."""

    now = most = 0

    async def handle_async_request(self, request):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await super().handle_async_request(request)
        finally:
            self.now -= 1


@pytest.mark.parametrize("at_once", [1, 2])
def test_beside_users_only_so_many_journeys_run_together(at_once, start, clock, rng):
    counting = Counting()

    (report,) = run_pinned(start(issuer=ISSUER), clock, rng, connections=counting, at_once=at_once)

    assert report.passed
    assert counting.most == at_once


def test_an_edge_that_does_not_answer_is_reported(clock, rng):
    report = asyncio.run(
        run_pinned_journeys(
            "http://127.0.0.1:1", "hush", issuer=ISSUER, accounts=[], clock=clock, rng=rng
        )
    )

    assert [failure.journey for failure in report.failures] == ["discovery"]


def test_nothing_tried_is_nothing_passed():
    assert not combine([]).passed
    assert not JourneyReport((), frozenset(), frozenset(), 0.0, 0).passed


def test_a_stratum_that_failed_once_has_not_passed():
    good = JourneyReport((), frozenset({"token", "page"}), frozenset(), 1.0, 2)
    bad = JourneyReport((), frozenset({"page"}), frozenset({"token"}), 2.0, 1)

    both = combine([good, bad])

    assert both.strata_passed == {"page"}
    assert both.strata_failed == {"token"}
    assert both.seconds == 3.0
    assert both.journeys == 3


def test_a_site_knows_what_the_provider_published(start, clock, rng):
    provider = start(issuer=ISSUER)

    async def run():
        async with KeptConnections() as transport:
            target = Target("replica", provider.url, ISSUER)
            return await Site.open(target, transport, clock=clock, rng=rng)

    site = asyncio.run(run())

    assert site.provider.issuer == ISSUER
    assert list(site.provider.keys.keys) == ["k-s-good"]


def test_a_grant_that_fails_fails_its_class_and_leaves_the_other_grants(start, clock, rng):
    provider = start(issuer=ISSUER, faults={"client_credentials_crash"})

    report = run_pinned(provider, clock, rng)[0]

    assert {each.stratum for each in report.failures} == {"token.client_credentials"}
    assert report.strata_failed == {"token", "token.client_credentials"}
    assert {"token.authorization_code", "token.refresh_token"} <= report.strata_passed
    assert report.hideable
    assert report.verified, "users' own tokens were seen to be right"


def test_what_fails_in_a_class_is_passed_by_none_of_its_kinds():
    assert failed_strata([]) == frozenset()
    failure = JourneyFailure("a", "b", "c", "d", "", "t", "sign_in", FailureKind.FAULT)
    assert failed_strata([failure]) == {"sign_in", "sign_in.password"}
