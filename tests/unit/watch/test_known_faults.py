"""What last good does wrong by itself is set aside; what a candidate does to it is not."""

import asyncio

import pytest

from ostiary.watch.journeys.known_faults import NONE_KNOWN, look_for_faults
from ostiary.watch.journeys.pinned import run_quick_journeys
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN
from tests.unit.watch.test_rehearsal import target_of

ISSUER = "http://login.example.test"


class Pair:
    """Last good and a candidate; last good is looked at before the candidate is tried."""

    def __init__(self, start, clock, rng):
        self.last_good = start(issuer=ISSUER, snapshot="s-old")
        self.candidate = start(issuer=ISSUER, snapshot="s-new")
        self.clock = clock
        self.rng = rng
        self.known = NONE_KNOWN

    def look(self):
        async def run():
            async with self._admin() as admin, admin.accounts(2) as (_, account):
                return await look_for_faults(
                    target_of(self.last_good, "last good"), account, clock=self.clock, rng=self.rng
                )

        self.known = asyncio.run(run())

    def rehearse(self):
        async def run():
            async with self._admin() as admin:
                return await run_rehearsal_journeys(
                    [target_of(self.candidate)],
                    admin=admin,
                    clock=self.clock,
                    rng=self.rng,
                    last_good=target_of(self.last_good, "last good"),
                    accounts=2,
                    leeway_seconds=None,
                    known=self.known,
                )

        return asyncio.run(run())

    def pinned(self):
        async def run():
            async with self._admin() as admin, admin.accounts(2) as accounts:
                return await run_quick_journeys(
                    [target_of(self.candidate)],
                    accounts=accounts,
                    clock=self.clock,
                    rng=self.rng,
                    last_good=target_of(self.last_good, "last good"),
                    known=self.known,
                )

        return asyncio.run(run())

    def _admin(self):
        return ProbeAdmin(self.last_good.url, ADMIN_TOKEN, rng=self.rng)


@pytest.fixture
def pair(start, clock, rng):
    return Pair(start, clock, rng)


def test_of_a_last_good_that_works_nothing_is_known(pair):
    pair.look()
    assert pair.known == NONE_KNOWN
    assert pair.rehearse().set_aside == ()


@pytest.mark.parametrize(
    "fault", ["token_endpoint_crashes", "client_credentials_crash", "refuses_everybody"]
)
def test_what_last_good_does_wrong_by_itself_is_not_held_against_its_successor(pair, fault):
    pair.last_good.faults.add(fault)
    assert not pair.rehearse().passed
    pair.look()
    assert pair.known.failures

    report = pair.rehearse()
    assert [str(failure) for failure in report.failures] == []
    assert report.passed
    assert {failure.target for failure in report.set_aside} <= {"last good"}
    assert pair.pinned().passed


def test_a_last_good_that_cannot_even_be_asked_is_compared_with_nothing(pair):
    pair.last_good.faults.add("no_keys")
    assert not pair.rehearse().passed
    assert not pair.pinned().passed
    pair.look()
    assert pair.rehearse().passed
    assert pair.pinned().passed


def test_what_it_did_not_do_before_counts(pair):
    pair.look()
    pair.last_good.faults.add("token_endpoint_crashes")
    report = pair.rehearse()
    assert not report.passed
    assert report.set_aside == ()
    assert not pair.pinned().passed


def test_what_it_does_wrong_only_with_what_the_candidate_leaves_counts(pair):
    pair.last_good.faults.add("refuses_foreign_tokens")
    pair.look()
    assert pair.known == NONE_KNOWN
    assert not pair.rehearse().passed


@pytest.mark.parametrize(
    ("before", "afterwards"),
    [
        ("client_credentials_crash", "refuses_everybody"),
        ("token_endpoint_crashes", "refuses_foreign_tokens"),
    ],
)
def test_one_fault_explains_no_other(pair, before, afterwards):
    pair.last_good.faults.add(before)
    pair.look()
    pair.last_good.faults = {afterwards}
    assert not pair.rehearse().passed


def test_the_candidate_has_to_do_right_by_itself(pair):
    pair.last_good.faults.add("token_endpoint_crashes")
    pair.candidate.faults.add("token_endpoint_crashes")
    pair.look()
    report = pair.rehearse()
    assert not report.passed
    assert {failure.target for failure in report.failures} == {"candidate"}
    assert not pair.pinned().passed
