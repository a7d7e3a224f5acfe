"""While a flip goes on, a token of last good expires, and the candidates must refuse it."""

import asyncio

import pytest

from ostiary.guard.expiry_trial import ExpiryTrial
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyReport
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN, SmallProvider
from tests.unit.watch.small_provider.store import Store

ISSUER = "http://login.example.test"


@pytest.fixture
def system():
    """Return a function that runs a trial on a candidate with faults, and says what is left."""

    def run(*faults, use):
        async def tried():
            store = Store()
            with (
                SmallProvider(store, issuer=ISSUER, snapshot="s-old") as old,
                SmallProvider(store, issuer=ISSUER, snapshot="s-new", faults=faults) as new,
            ):
                rng = SeededRandom("expiry")
                trial = ExpiryTrial(SystemClock(), rng)

                def admin():
                    return ProbeAdmin(old.url, ADMIN_TOKEN, rng=rng)

                last_good, candidate = (
                    Target(each.snapshot, each.url, ISSUER, snapshot=each.snapshot)
                    for each in (old, new)
                )
                found = await use(trial, admin, last_good, candidate)
                async with admin() as probes:
                    await trial.forget(probes)
                return found, [user.email for user in store.users.values()]

        return asyncio.run(tried())

    return run


async def to_the_end(trial, admin, last_good, candidate):
    trial.begin(admin, last_good)
    assert await trial.goes_on_at(candidate, 0.5)
    assert trial.known is None, "the token has not expired yet"
    other = JourneyReport((), frozenset({"page"}), frozenset(), 1.0, 1)
    assert trial.added_to(other) is other
    report = await trial.end_added_to(other)
    assert trial.known is not None
    assert report == trial.added_to(other)
    assert (report.journeys, report.strata_passed) == (2, {"page"})
    return report


@pytest.mark.parametrize(("faults", "failed"), [((), []), (("expiry_ignored",), ["expired_token"])])
def test_what_the_candidate_does_with_an_expired_token_is_found(system, faults, failed):
    report, left = system(*faults, use=to_the_end)
    assert [failure.journey for failure in report.failures] == failed
    assert report.passed == (not failed)
    assert left == []


def test_a_change_that_ends_before_leaves_no_account_behind(system):
    async def broken_off(trial, admin, last_good, candidate):
        trial.begin(admin, last_good)
        assert await trial.goes_on_at(candidate, 30.0)

    assert system(use=broken_off) == (None, [])


def test_with_a_long_leeway_the_rehearsal_waits_itself(system):
    async def long(trial, admin, last_good, candidate):
        trial.begin(admin, last_good)
        assert not await trial.goes_on_at(candidate, 31.0)

    assert system(use=long) == (None, [])


def test_without_a_token_the_rehearsal_is_told_to_mint_its_own(system):
    async def none_to_be_had(trial, admin, last_good, candidate):
        assert not await trial.goes_on_at(candidate, 0.5)
        nowhere = Target("nowhere", "http://127.0.0.1:9", ISSUER)
        trial.begin(lambda: ProbeAdmin(nowhere.address("/"), "x", rng=SeededRandom(1)), nowhere)
        assert not await trial.goes_on_at(candidate, 0.5)
        return trial.known

    assert system(use=none_to_be_had) == (None, [])
