"""Own journeys in rehearsal and on the canary, and run by hand, against small providers."""

import asyncio
from contextlib import closing

import pytest

from ostiary.changes.events import Rehearsed
from ostiary.changes.model import Reason
from ostiary.guard import history
from ostiary.guard.operators.model import Operator
from ostiary.guard.own_runs import OwnRuns
from ostiary.guard.own_trials import OwnTrials
from ostiary.guard.trial_place import TrialPlace
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.kernel.settings import SettingsError
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target
from tests.fakes.clock import FakeClock
from tests.unit.watch.own_journeys.conftest import journeys_in
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN, SmallProvider
from tests.unit.watch.small_provider.store import Store
from tests.unit.watch.small_provider.wire import Response

ISSUER = "http://login.example.test"
OPERATOR = Operator("ada", "admin")
SIGN_IN = """
[guard.journeys.page]
vouches_for = "page"
{0}
[[guard.journeys.page.steps]]
name = "the form"
path = "/sign-in"
expect = {{ status = {1} }}
"""
PASSES, FAILS = SIGN_IN.format("", 200), SIGN_IN.format("", 299)
WITH_ACCOUNT = """
[[guard.journeys.who.steps]]
name = "token"
method = "POST"
path = "/oauth2/token"
basic = { user = "{probe.client_id}", password = "{probe.client_secret}" }
form = { grant_type = "client_credentials" }
expect.status = 200
"""
NOTE = Reason("replayed", "tried again")


class Providers:
    """A candidate and a last good replica that share a store; `without_page` breaks one page."""

    def __init__(self) -> None:
        self.store = Store()
        self.old = SmallProvider(self.store, issuer=ISSUER, snapshot="s-old")
        self.new = SmallProvider(self.store, issuer=ISSUER, snapshot="s-new")
        self.rng = SeededRandom("own")
        self.admin_token = ADMIN_TOKEN

    def admin(self) -> ProbeAdmin:
        return ProbeAdmin(self.old.url, self.admin_token, rng=self.rng)

    def trials(self, toml: str) -> OwnTrials:
        journeys = journeys_in(toml)
        return OwnTrials(journeys, clock=SystemClock(), rng=self.rng, environment={})

    def targets(self) -> tuple[Target, Target]:
        old = Target("last good", self.old.url, ISSUER, snapshot="s-old")
        return Target("candidate", self.new.url, ISSUER, snapshot="s-new"), old

    def rehearsed(self, toml: str, before: Rehearsed | None = None) -> Rehearsed:
        candidate, old = self.targets()
        given = before or Rehearsed(passed=True, notes=(NOTE,))
        return asyncio.run(self.trials(toml).rehearsed(given, [candidate], old, self.admin))

    def pinned(self, toml: str):
        async def run():
            candidate, old = self.targets()
            transport = KeptConnections()
            try:
                return await self.trials(toml).pinned(candidate, transport, old, self.admin)
            finally:
                await transport.aclose()

        return asyncio.run(run())

    def close(self) -> None:
        for each in (self.old, self.new):
            each.server.close()


@pytest.fixture
def providers():
    running = Providers()
    yield running
    running.close()


def break_page(provider: SmallProvider) -> None:
    provider._sign_in_page = lambda _request: Response.page(418, "ok", "teapot")


def test_a_rehearsal_in_which_they_pass_is_as_it_was(providers):
    found = providers.rehearsed(PASSES + WITH_ACCOUNT)
    assert found == Rehearsed(passed=True, notes=(NOTE,))
    assert not providers.store.users


def test_what_fails_on_the_candidate_alone_refuses_the_change(providers):
    break_page(providers.new)
    found = providers.rehearsed(PASSES)
    assert not found.passed
    (reason,) = found.failures
    assert reason.code == "journey_failed"
    assert reason.text.startswith("journeys.page, step the form: expected HTTP 200, got HTTP 418")
    assert reason.numbers == {
        "journey": "journeys.page",
        "step": "the form",
        "stratum": "page",
        "kind": "refused",
        "expected": "HTTP 200",
        "got": "HTTP 418, outcome ok, body teapot",
        "request_id": "r-1",
    }


def test_what_fails_on_last_good_as_well_is_told_and_refuses_nothing(providers):
    found = providers.rehearsed(FAILS)
    assert found.passed
    assert found.notes[0] == NOTE
    assert found.notes[1].code == "own_journey_broken"
    assert found.notes[1].text.startswith(
        "journeys.page fails on the last good version as well, so it says nothing about this "
        "change: journeys.page, step the form: expected HTTP 299, got HTTP 200"
    )


def test_a_rehearsal_that_has_failed_already_is_not_made_longer(providers):
    before = Rehearsed(passed=False, failures=(Reason("journey_failed", "no"),))
    assert providers.rehearsed(PASSES, before) is before


def test_without_accounts_the_rehearsal_fails(providers):
    providers.admin_token = "another one"
    found = providers.rehearsed(WITH_ACCOUNT)
    assert [reason.code for reason in found.failures] == ["probe_accounts_unavailable"]
    assert not found.passed


def test_on_the_canary_they_vouch_and_fail_as_built_in_ones_do(providers):
    found = providers.pinned(PASSES)
    assert (found.passed, found.strata_passed) == (True, {"page"})
    break_page(providers.new)
    found = providers.pinned(PASSES)
    assert [failure.journey for failure in found.failures] == ["journeys.page"]
    # As a refusal it is one that second opinions hide from users.
    assert found.hideable


def test_on_the_canary_a_broken_journey_says_nothing(providers):
    found = providers.pinned(FAILS)
    assert (found.failures, found.strata_passed, found.journeys) == ((), frozenset(), 0)


def test_slow_journeys_stay_out_of_the_canary(providers):
    assert providers.pinned(SIGN_IN.format("in_canary = false", 299)).journeys == 0


def test_on_the_canary_accounts_that_cannot_be_made_blame_nobody(providers):
    providers.admin_token = "another one"
    assert providers.pinned(WITH_ACCOUNT).failures == ()


@pytest.fixture
def journal(tmp_path):
    with closing(Journal(tmp_path / "guard.db", FakeClock())) as opened:
        yield opened


@pytest.fixture
def run_by_hand(providers, journal):
    def run(toml: str, **body):
        host, port = providers.old.url.removeprefix("http://").split(":")
        plane = type("Plane", (), {"stable": [_Replica(host, int(port))]})()
        place = TrialPlace(providers.new.url, ISSUER, 0.5, ADMIN_TOKEN, "pin")
        runs = OwnRuns(providers.trials(toml), plane, place, journal, providers.rng)
        return asyncio.run(runs.run(body, OPERATOR))

    return run


class _Replica:
    snapshot = "s-old"

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port


def test_by_hand_every_step_is_told(run_by_hand, journal):
    second = '[[guard.journeys.page.steps]]\nname = "next"\npath = "/"\nexpect.status = 200\n'
    found = run_by_hand(FAILS + second + WITH_ACCOUNT)
    page, who = found["journeys"]
    assert (found["passed"], page["passed"], who["passed"]) == (False, False, True)
    first, after = page["steps"]
    assert (first["step"], first["passed"], first["expected"]) == ("the form", False, "HTTP 299")
    assert first["came"].startswith("HTTP 200")
    assert after == {
        "step": "next",
        "passed": None,
        "came": None,
        "expected": None,
        "request_id": None,
        "seconds": None,
    }
    (entry,) = journal.entries()
    assert entry.kind == history.OWN_JOURNEYS_RUN
    assert entry.data == {"operator": "ada", "journeys": ["page", "who"], "config": None}


def test_by_hand_those_of_a_file_can_be_tried(run_by_hand, tmp_path):
    (tmp_path / "new.toml").write_text(PASSES)
    found = run_by_hand("", config=str(tmp_path / "new.toml"), names=["page"])
    assert [each["journey"] for each in found["journeys"]] == ["page"]


def test_by_hand_what_is_wrong_with_them_is_told_and_nothing_else(run_by_hand, tmp_path):
    wrong = PASSES.replace('"/sign-in"', '"sign-in"') + '[edge]\nlisten = "nowhere"\n'
    (tmp_path / "new.toml").write_text(wrong)
    with pytest.raises(SettingsError) as caught:
        run_by_hand("", config=str(tmp_path / "new.toml"))
    assert [problem.code for problem in caught.value.problems] == ["path_without_slash"]


@pytest.mark.parametrize(
    ("toml", "names", "code", "words"),
    [
        ("", [], "journeys_none", "no journeys"),
        (PASSES, ["pages"], "journey_unknown", "Did you mean page?"),
    ],
)
def test_by_hand_what_is_not_there_is_told(run_by_hand, toml, names, code, words):
    with pytest.raises(UsageError) as caught:
        run_by_hand(toml, names=names)
    assert caught.value.code == code
    assert words in caught.value.message
