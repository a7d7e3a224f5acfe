"""The edge asks one request of two replicas: nothing is used twice, nothing is lost.

Attempt 1 goes to a candidate, attempt 2 to the last good version. An answer that the edge does not
pass on is one that these tests throw away.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from falcon import testing

from ostiary.identity.keys.signing import Signer
from ostiary.identity.oauth.grants.codes import Codes
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.kernel.outcomes import ATTEMPT_HEADER, EDGE_HEADER, REQUEST_ID_HEADER
from tests.identity_app import IdentityService, build_identity, outcome_of
from tests.unit.identity.oauth.flow import REDIRECT_URI, RelyingParty, decoded, location_of

WAIT_SECONDS_MAX = 20
Step = Callable[..., testing.Result]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentityService]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    built = build_identity(tmp_path, database_url=url)
    yield built
    built.close()


@contextmanager
def held_up(owner: type, name: str, *, before: bool) -> Iterator[Callable[[], None]]:
    """Make a method wait in threads called `candidate`; yields what lets them go on."""
    reached, go_on = threading.Event(), threading.Event()
    original = getattr(owner, name)

    def waiting(*arguments: Any, **options: Any) -> Any:
        slow = threading.current_thread().name.startswith("candidate")
        result = None if before and slow else original(*arguments, **options)
        if slow:
            reached.set()
            assert go_on.wait(WAIT_SECONDS_MAX)
            result = original(*arguments, **options) if before else result
        return result

    setattr(owner, name, waiting)
    try:
        yield lambda: reached.wait(WAIT_SECONDS_MAX) and None
    finally:
        go_on.set()
        setattr(owner, name, original)


@contextmanager
def candidate_threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, thread_name_prefix="candidate") as pool:
        yield pool


def still_running(ask: Step, pool: ThreadPoolExecutor, *arguments: Any, **options: Any) -> Any:
    return pool.submit(ask, *arguments, request_id="r-1", attempt=1, **options)


def superseded(late: Future[testing.Result]) -> bool:
    answer = late.result(WAIT_SECONDS_MAX)
    return (answer.status_code, outcome_of(answer)) == (503, "overloaded")


def works(party: RelyingParty, tokens: dict[str, Any]) -> bool:
    return (
        party.userinfo(tokens["access_token"]).status_code == 200
        and party.refresh(tokens["refresh_token"]).status_code == 200
    )


class TestAuthorizationCodes:
    """One authorization request leaves one code, that of the answer the browser saw."""

    def ask(self, party: RelyingParty, at: IdentityService, attempt: int) -> str:
        edge = at.edge(cookies=dict(party.browser.cookies))
        answer = edge.request("GET", party.address(), request_id="r-1", attempt=attempt)
        where, parameters = location_of(answer)
        assert where == REDIRECT_URI
        return parameters["code"]

    def test_the_second_opinions_code_is_the_one_that_holds(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        unseen = self.ask(party, candidate, 1)
        seen = self.ask(party, party.service, 2)
        assert party.redeem(unseen).json["error"] == "invalid_grant"
        assert party.redeem(seen).status_code == 200

    def test_a_candidate_that_died_before_writing_leaves_nothing_behind(
        self, party: RelyingParty
    ) -> None:
        assert party.redeem(self.ask(party, party.service, 2)).status_code == 200

    def test_a_candidate_that_comes_late_changes_nothing(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        seen = self.ask(party, party.service, 2)
        edge = candidate.edge(cookies=dict(party.browser.cookies))
        late = edge.request("GET", party.address(), request_id="r-1", attempt=1)
        assert location_of(late)[0] == "/sign-in"
        assert party.redeem(seen).status_code == 200


class TestRedeeming:
    """One token request uses a code once."""

    def test_a_second_opinion_proceeds_and_replaces_what_nobody_saw(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        code = party.code()
        unseen = party.redeem(code, at=candidate, request_id="r-1", attempt=1).json
        seen = party.redeem(code, request_id="r-1", attempt=2)
        assert seen.status_code == 200
        assert works(party, seen.json)
        assert party.userinfo(unseen["access_token"]).status_code == 401
        assert party.refresh(unseen["refresh_token"]).json["error"] == "invalid_grant"
        assert works(party, party.tokens())

    def test_each_attempt_signs_with_its_own_snapshots_key(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        code = party.code()
        kids = {
            decoded(
                party.redeem(code, at=at, request_id="r-1", attempt=attempt).json["access_token"],
                0,
            )["kid"]
            for attempt, at in ((1, candidate), (2, party.service))
        }
        assert len(kids) == 2

    def test_a_candidate_that_died_inside_its_transaction_leaves_nothing_behind(
        self,
        party: RelyingParty,
        candidate: IdentityService,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        code = party.code()
        with monkeypatch.context() as patch:
            patch.setattr(Codes, "mark_consumed", lambda *_, **__: 1 / 0)
            assert party.redeem(code, at=candidate, request_id="r-1").status_code == 500
        seen = party.redeem(code, request_id="r-1", attempt=2)
        assert works(party, seen.json)

    def test_a_candidate_still_signing_is_superseded(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        code = party.code()
        with candidate_threads() as pool:
            with held_up(Signer, "sign", before=True) as reached:
                late = still_running(party.redeem, pool, code, at=candidate)
                reached()
                seen = party.redeem(code, request_id="r-1", attempt=2)
            assert superseded(late)
        assert works(party, seen.json)

    def test_a_candidate_still_inside_its_transaction_is_waited_for_and_replaced(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        code = party.code()
        with candidate_threads() as pool, ThreadPoolExecutor(1) as others:
            with held_up(Codes, "mark_consumed", before=False) as reached:
                late = still_running(party.redeem, pool, code, at=candidate)
                reached()
                waiting = others.submit(party.redeem, code, request_id="r-1", attempt=2)
            assert late.result(WAIT_SECONDS_MAX).status_code == 200
            seen = waiting.result(WAIT_SECONDS_MAX)
        assert seen.status_code == 200
        assert works(party, seen.json)
        assert party.userinfo(late.result().json["access_token"]).status_code == 401

    def test_another_request_is_a_reuse_whatever_its_attempt(self, party: RelyingParty) -> None:
        code = party.code()
        tokens = party.redeem(code, request_id="r-1", attempt=1).json
        answer = party.redeem(code, request_id="r-2", attempt=2)
        assert answer.json["error"] == "invalid_grant"
        assert party.userinfo(tokens["access_token"]).status_code == 401

    def test_a_reuse_is_refused_by_both_attempts(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        code = party.code()
        party.redeem(code)
        for attempt, at in ((1, candidate), (2, party.service)):
            answer = party.redeem(code, at=at, request_id="r-9", attempt=attempt)
            assert outcome_of(answer) == "invalid_grant"

    def test_ids_from_outside_are_not_believed(self, party: RelyingParty) -> None:
        """Otherwise a thief could pass a stolen code off as a second opinion."""
        code = party.code()
        tokens = party.redeem(code, request_id="r-1").json
        for token in ("", "guessed"):
            answer = party.service.client().simulate_post(
                "/oauth2/token",
                headers={
                    EDGE_HEADER: token,
                    REQUEST_ID_HEADER: "r-1",
                    ATTEMPT_HEADER: "2",
                    "content-type": "application/x-www-form-urlencoded",
                },
                body=urlencode(party.token_form(code)),
            )
            assert answer.json["error"] == "invalid_grant"
        assert party.userinfo(tokens["access_token"]).status_code == 401


class TestRefreshing:
    """One refresh request rotates a token once."""

    def test_a_second_opinion_proceeds_and_replaces_what_nobody_saw(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        token = party.tokens()["refresh_token"]
        unseen = party.refresh(token, at=candidate, request_id="r-1", attempt=1).json
        party.service.clock.advance(30)
        seen = party.refresh(token, request_id="r-1", attempt=2)
        assert seen.status_code == 200
        assert party.refresh(unseen["refresh_token"]).json["error"] == "invalid_grant"
        assert works(party, seen.json)

    def test_a_candidate_that_died_before_writing_leaves_nothing_behind(
        self, party: RelyingParty
    ) -> None:
        token = party.tokens()["refresh_token"]
        assert works(party, party.refresh(token, request_id="r-1", attempt=2).json)

    def test_a_candidate_that_died_inside_its_transaction_leaves_nothing_behind(
        self,
        party: RelyingParty,
        candidate: IdentityService,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        token = party.tokens()["refresh_token"]
        with monkeypatch.context() as patch:
            patch.setattr(RefreshTokens, "add", lambda *_, **__: 1 / 0)
            assert party.refresh(token, at=candidate, request_id="r-1").status_code == 500
        assert works(party, party.refresh(token, request_id="r-1", attempt=2).json)

    def test_a_candidate_still_signing_is_superseded(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        token = party.tokens()["refresh_token"]
        with candidate_threads() as pool:
            with held_up(Signer, "sign", before=True) as reached:
                late = still_running(party.refresh, pool, token, at=candidate)
                reached()
                seen = party.refresh(token, request_id="r-1", attempt=2)
            assert superseded(late)
        assert works(party, seen.json)

    def test_a_candidate_is_superseded_even_when_the_successor_is_in_use(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        token = party.tokens()["refresh_token"]
        with candidate_threads() as pool:
            with held_up(Signer, "sign", before=True) as reached:
                late = still_running(party.refresh, pool, token, at=candidate)
                reached()
                seen = party.refresh(token, request_id="r-1", attempt=2).json
                latest = party.refresh(seen["refresh_token"]).json
            assert superseded(late)
        assert works(party, latest)

    def test_a_candidate_still_inside_its_transaction_is_waited_for_and_replaced(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        token = party.tokens()["refresh_token"]
        with candidate_threads() as pool, ThreadPoolExecutor(1) as others:
            with held_up(RefreshTokens, "add", before=False) as reached:
                late = still_running(party.refresh, pool, token, at=candidate)
                reached()
                waiting = others.submit(party.refresh, token, request_id="r-1", attempt=2)
            assert late.result(WAIT_SECONDS_MAX).status_code == 200
            seen = waiting.result(WAIT_SECONDS_MAX)
        assert works(party, seen.json)
        unseen = late.result().json["refresh_token"]
        assert party.refresh(unseen).json["error"] == "invalid_grant"

    def test_a_second_opinion_on_a_repeated_refresh_proceeds_too(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        token = party.tokens()["refresh_token"]
        party.refresh(token)
        party.refresh(token, at=candidate, request_id="r-1", attempt=1)
        seen = party.refresh(token, request_id="r-1", attempt=2)
        assert works(party, seen.json)

    def test_a_reuse_is_refused_by_both_attempts(
        self, party: RelyingParty, candidate: IdentityService
    ) -> None:
        first = party.tokens()
        second = party.refresh(first["refresh_token"]).json
        party.service.clock.advance(11)
        for attempt, at in ((1, candidate), (2, party.service)):
            answer = party.refresh(first["refresh_token"], at=at, request_id="r-9", attempt=attempt)
            assert outcome_of(answer) == "invalid_grant"
        assert party.userinfo(second["access_token"]).status_code == 401

    def test_ids_from_outside_are_not_believed(self, party: RelyingParty) -> None:
        first = party.tokens()
        second = party.refresh(first["refresh_token"], request_id="r-1").json
        party.service.clock.advance(11)
        form = {
            "grant_type": "refresh_token",
            "client_id": "app",
            "refresh_token": first["refresh_token"],
        }
        answer = party.service.client().simulate_post(
            "/oauth2/token",
            headers={
                REQUEST_ID_HEADER: "r-1",
                ATTEMPT_HEADER: "2",
                "content-type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form),
        )
        assert answer.json["error"] == "invalid_grant"
        assert party.userinfo(second["access_token"]).status_code == 401

    def test_of_many_requests_at_once_none_breaks_the_family(self, party: RelyingParty) -> None:
        """Many tabs refresh with the same token: a race, not a theft."""
        token = party.tokens()["refresh_token"]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: party.refresh(token), range(6)))
        assert [answer.status_code for answer in answers] == [200] * 6
        assert party.refresh(answers[0].json["refresh_token"]).status_code == 200


def test_what_one_snapshot_mints_the_other_accepts(
    party: RelyingParty, candidate: IdentityService
) -> None:
    theirs = party.redeem(party.code(), at=candidate).json
    ours = party.tokens()
    for tokens in (theirs, ours):
        for at in (party.service, candidate):
            assert party.userinfo(tokens["access_token"], at=at).status_code == 200
    assert party.refresh(theirs["refresh_token"]).status_code == 200
    assert party.refresh(ours["refresh_token"], at=candidate).status_code == 200


def test_ending_a_session_twice_answers_the_same(
    party: RelyingParty, candidate: IdentityService
) -> None:
    path = f"/oauth2/end-session?id_token_hint={party.tokens()['id_token']}"
    answers = [
        at.edge(cookies=dict(party.browser.cookies)).request(
            "GET", path, request_id="r-1", attempt=attempt
        )
        for attempt, at in ((1, candidate), (2, party.service))
    ]
    assert [location_of(answer) for answer in answers] == [("/sign-in", {})] * 2
