"""Every mistake that a release can make is found by the journey that is there for it."""

import asyncio

import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN, SmallProvider
from tests.unit.watch.small_provider.store import Store

ISSUER = "http://login.example.test"


def target_of(provider, name="candidate"):
    return Target(name, provider.url, provider.issuer, snapshot=provider.snapshot)


def rehearse(candidates, clock, rng, *, last_good=None, accounts=2, done_meanwhile=None):
    async def meanwhile():
        if done_meanwhile is not None:
            done_meanwhile.append("measured")

    async def run():
        admin = (last_good or candidates[0]).url
        async with ProbeAdmin(admin, ADMIN_TOKEN, rng=rng) as probes:
            return await run_rehearsal_journeys(
                [target_of(each, f"candidate-{n}") for n, each in enumerate(candidates)],
                admin=probes,
                clock=clock,
                rng=rng,
                last_good=None if last_good is None else target_of(last_good, "last good"),
                accounts=accounts,
                leeway_seconds=0.5,
                meanwhile=meanwhile,
            )

    return asyncio.run(run())


def test_a_healthy_candidate_passes_every_stratum(start, store, clock, rng):
    candidate = start(issuer=ISSUER, snapshot="s-new")
    last_good = start(issuer=ISSUER, snapshot="s-old")

    done: list[str] = []
    report = rehearse([candidate], clock, rng, last_good=last_good, done_meanwhile=done)

    assert done == ["measured"]
    assert [str(failure) for failure in report.failures] == []
    assert report.passed
    assert report.strata_passed == {
        "discovery",
        "page",
        "sign_in",
        "sign_in.password",
        "sign_up",
        "sign_out",
        "authorize",
        "token",
        "token.authorization_code",
        "token.refresh_token",
        "token.client_credentials",
        "userinfo",
        "introspect",
        "end_session",
        "flags",
    }
    assert report.strata_failed == frozenset()
    assert report.seconds > 0


def test_a_release_without_flags_passes_but_proves_nothing_of_them(start, clock, rng):
    report = rehearse([start(issuer=ISSUER, faults={"no_flags"})], clock, rng)

    assert report.passed
    assert "flags" not in report.strata_passed
    assert "userinfo" in report.strata_passed


def test_without_a_leeway_the_expiry_is_left_to_the_caller(start, clock, rng):
    async def run(candidate):
        async with ProbeAdmin(candidate.url, ADMIN_TOKEN, rng=rng) as probes:
            return await run_rehearsal_journeys(
                [target_of(candidate)], admin=probes, clock=clock, rng=rng, leeway_seconds=None
            )

    assert asyncio.run(run(start(issuer=ISSUER, faults={"expiry_ignored"}))).passed


def test_probe_accounts_are_gone_afterwards(start, store, clock, rng):
    rehearse([start(issuer=ISSUER)], clock, rng)

    assert store.users == {}
    assert store.clients == {}


def test_probe_accounts_are_gone_after_a_failed_rehearsal(start, store, clock, rng):
    report = rehearse([start(issuer=ISSUER, faults={"crash"})], clock, rng)

    assert not report.passed
    assert store.users == {}


def test_a_replica_is_asked_as_the_public_address(start, clock, rng):
    candidate = start(issuer=ISSUER)

    rehearse([candidate], clock, rng)

    own = candidate.url.removeprefix("http://")
    assert candidate.hosts == {"login.example.test", own}, "the admin API alone is asked by port"


def test_all_replicas_of_a_candidate_are_tried(start, clock, rng):
    healthy = start(issuer=ISSUER)
    broken = start(issuer=ISSUER, faults={"crash"})

    report = rehearse([healthy, broken], clock, rng)

    assert {failure.target for failure in report.failures} == {"candidate-1"}


FAULTS = {
    "crash": "sign_in_code_flow",
    "sign_up_crashes": "sign_up",
    "accepts_any_password": "wrong_password",
    "expiry_ignored": "expired_token",
    "wrong_issuer": "discovery",
    "plain_pkce": "discovery",
    "no_keys": "discovery",
    "private_keys": "discovery",
    "no_outcome_header": "discovery",
    "invented_outcome": "discovery",
}
"""Mistakes that a whole rehearsal finds; test_journeys.py has those of each journey."""


@pytest.fixture(scope="module")
def report_of():
    """Rehearse every fault at once: most of the time of a run is waiting for a token to expire."""

    async def rehearse_fault(fault, transport):
        with SmallProvider(Store(), issuer=ISSUER, faults={fault}) as provider:
            rng = SeededRandom(fault)
            probes = ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng, transport=transport)
            return await run_rehearsal_journeys(
                [target_of(provider)],
                admin=probes,
                clock=SystemClock(),
                rng=rng,
                accounts=2,
                leeway_seconds=0.5,
                transport=transport,
            )

    async def rehearse_all():
        async with KeptConnections() as transport:
            reports = await asyncio.gather(*(rehearse_fault(fault, transport) for fault in FAULTS))
        return dict(zip(FAULTS, reports, strict=True))

    return asyncio.run(rehearse_all())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_is_found_by_its_journey(fault, report_of):
    report = report_of[fault]

    assert not report.passed
    assert FAULTS[fault] in {failure.journey for failure in report.failures}
    assert report.strata_failed
    assert not report.strata_passed & report.strata_failed


@pytest.mark.parametrize("fault", ["own_key_only", "refuses_foreign_tokens"])
def test_a_version_that_rejects_what_the_other_minted_is_found(fault, start, clock, rng):
    candidate = start(issuer=ISSUER, snapshot="s-new", faults={fault})
    last_good = start(issuer=ISSUER, snapshot="s-old")

    done: list[str] = []
    report = rehearse([candidate], clock, rng, last_good=last_good, done_meanwhile=done)

    assert done == [], "nobody measures a candidate that has failed"
    journeys = {failure.journey for failure in report.failures}
    assert all(name.startswith(("cross_version:", "keys_stay_published")) for name in journeys)
    assert "cross_version:tokens_and_session:last good->candidate-0" in journeys
    assert "cross_version:client_credentials:last good->candidate-0" in journeys


@pytest.mark.parametrize(
    ("fault", "expected", "got"),
    [
        (
            {"wrong_default_audience"},
            "a valid access token",
            "it is for another audience: 'urn:nobody'",
        ),
        (
            {"one_subject_for_all"},
            "the subject that the store has for this account",
            "another subject",
        ),
        ({"roles_for_all"}, "no roles, as this account has none", "1 roles"),
        ({"expires_in_a_year"}, "a valid access token", "it lives longer than a day"),
        ({"issued_in_the_future"}, "a valid access token", "it was issued in the future"),
    ],
)
def test_what_is_minted_is_held_against_last_good_in_words(fault, expected, got, start, clock, rng):
    candidate = start(issuer=ISSUER, snapshot="s-new", faults=fault)
    last_good = start(issuer=ISSUER, snapshot="s-old")

    report = rehearse([candidate], clock, rng, last_good=last_good)

    failures = [each for each in report.failures if each.journey == "sign_in_code_flow"]
    assert {(each.step, each.expected, each.got) for each in failures} == {("token", expected, got)}
    assert {each.target for each in failures} == {"candidate-0"}
    assert not report.hideable


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("own_key_only", "a token signed with a key that last good publishes"),
        (
            "unlisted_algorithm",
            "a token signed by an algorithm in the discovery document of last good (RS256)",
        ),
    ],
)
def test_what_applications_do_not_know_from_last_good_is_found(fault, expected, start, clock, rng):
    candidate = start(issuer=ISSUER, snapshot="s-new")
    last_good = start(issuer=ISSUER, snapshot="s-old", faults={fault})

    report = rehearse([candidate], clock, rng, last_good=last_good)

    failures = [each for each in report.failures if each.journey == "sign_in_code_flow"]
    assert {each.expected for each in failures} == {expected}


def test_a_replica_that_is_busy_for_a_moment_is_asked_again(start, clock, rng):
    candidate = start(issuer=ISSUER)
    last_good = start(issuer=ISSUER, snapshot="s-old")
    candidate.busy_for = last_good.busy_for = 3

    report = rehearse([candidate], clock, rng, last_good=last_good)

    assert [str(failure) for failure in report.failures] == []
    assert candidate.busy_for == last_good.busy_for == 0


def test_a_replica_that_is_always_busy_is_told_as_such(start, clock, rng):
    candidate = start(issuer=ISSUER, faults={"always_busy"})
    last_good = start(issuer=ISSUER, snapshot="s-old")

    report = rehearse([candidate], clock, rng, last_good=last_good)

    failure = next(each for each in report.failures if each.journey == "sign_in_code_flow")
    assert failure.kind is FailureKind.FAULT
    assert "overloaded" in failure.got


def test_a_fault_that_hits_three_quarters_of_the_accounts_shows(start, clock, rng):
    candidate = start(issuer=ISSUER, faults={"crashes_for_some"})

    report = rehearse([candidate], clock, rng, accounts=8)

    failure = next(each for each in report.failures if each.journey == "sign_in_code_flow")
    assert failure.step == "sign_in"
    assert failure.stratum == "sign_in.password"
    assert failure.kind is FailureKind.FAULT
    assert failure.request_id.startswith("r-")
    assert failure.target == "candidate-0"
    assert "HTTP 500" in failure.got
    assert {"sign_in", "sign_in.password"} <= report.strata_failed


def test_a_candidate_that_does_not_answer_is_reported(start, clock, rng):
    gone = start(issuer=ISSUER)
    last_good = start(issuer=ISSUER)
    gone.answer = None
    gone.server.close()

    report = rehearse([gone], clock, rng, last_good=last_good)

    assert [failure.journey for failure in report.failures] == ["discovery"]
    assert report.failures[0].kind is FailureKind.NO_ANSWER


def test_a_wrong_snapshot_in_the_outcome_header_is_reported(start, clock, rng):
    provider = start(issuer=ISSUER, snapshot="s-other")

    async def run():
        async with ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng) as probes:
            wrong = Target("candidate", provider.url, ISSUER, snapshot="s-expected")
            return await run_rehearsal_journeys([wrong], admin=probes, clock=clock, rng=rng)

    report = asyncio.run(run())

    assert "s-other" in report.failures[0].got
    assert "s-expected" in report.failures[0].expected


def test_no_failure_text_holds_a_secret(start, store, clock, rng):
    seen = []
    original = store.delete_user

    def remember(email):
        seen.append(store.users[email].password)
        return original(email)

    store.delete_user = remember
    texts = ""
    for fault in ("crash", "drops_nonce", "wrong_identity", "code_reusable"):
        report = rehearse([start(issuer=ISSUER, faults={fault})], clock, rng)
        texts += "".join(repr(failure) for failure in report.failures)

    assert len(texts) > 0
    held = [*seen, *store.codes, *store.sessions, *store.refresh_tokens]
    assert not [secret for secret in held if secret in texts]
    assert "eyJ" not in texts, "no token either"
