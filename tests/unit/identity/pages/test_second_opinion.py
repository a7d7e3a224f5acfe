"""The edge asks one request of two replicas; the person must not notice, and nothing count twice.

An answer that is not kept is one that the edge did not pass on.
"""

import pytest
from falcon import testing
from sqlalchemy import select

from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.store.schema import sessions, sign_in_failures, users
from tests.identity_app import EDGE_TOKEN, Edge, IdentityService, outcome_of

RIGHT = "correct horse battery"


def ask(
    browser: Edge, replica: IdentityService, password: str, *, attempt: int, path: str = "/sign-in"
) -> testing.Result:
    """Have one replica execute the browser's one request; its answer is not kept."""
    form = {
        "csrf_token": browser.cookies["token"],
        "email": "ada@example.org",
        "password": password,
    }
    other = Edge(replica, cookies=browser.cookies)
    return other.request("POST", path, form=form, request_id="r-1", attempt=attempt)


@pytest.fixture
def browser(service: IdentityService) -> Edge:
    made = service.edge()
    made.cookies["token"] = made.csrf_token()
    return made


@pytest.fixture
def candidate(service: IdentityService) -> IdentityService:
    return service.replica(name="identity-candidate", snapshot="s-candidate000")


def column(service: IdentityService, wanted) -> list:
    with service.store.read() as connection:
        return list(connection.execute(select(wanted)).scalars())


def break_passwords(monkeypatch, *, answer: bool) -> None:
    monkeypatch.setattr(PasswordHasher, "verify", lambda *_: answer)


def test_a_candidate_that_dies_after_its_work_leaves_one_session_and_a_working_cookie(
    service: IdentityService, candidate: IdentityService, browser: Edge
) -> None:
    service.add_user()
    assert ask(browser, candidate, RIGHT, attempt=1).status_code == 303
    answer = browser.keep(ask(browser, service, RIGHT, attempt=2))
    assert answer.status_code == 303
    assert column(service, sessions.c.minted_by) == [service.configuration.snapshot]
    assert "You are signed in" in browser.get("/demo").text


def test_a_candidate_that_dies_before_its_work_leaves_nothing(
    service: IdentityService, browser: Edge
) -> None:
    service.add_user()
    assert browser.keep(ask(browser, service, RIGHT, attempt=2)).status_code == 303
    assert "You are signed in" in browser.get("/demo").text


def test_a_wrong_password_counts_once_when_both_refuse(
    service: IdentityService, candidate: IdentityService, browser: Edge
) -> None:
    service.add_user()
    for replica, attempt in ((candidate, 1), (service, 2)):
        assert outcome_of(ask(browser, replica, "wrong", attempt=attempt)) == "bad_credentials"
    assert column(service, sign_in_failures.c.request_id) == ["r-1"]


def test_a_wrong_password_counts_once_when_the_candidate_died_before_counting(
    service: IdentityService, browser: Edge
) -> None:
    service.add_user()
    ask(browser, service, "wrong", attempt=2)
    assert column(service, sign_in_failures.c.request_id) == ["r-1"]


def test_what_a_candidate_wrongly_refused_does_not_count(
    service: IdentityService, candidate: IdentityService, browser: Edge, monkeypatch
) -> None:
    service.add_user()
    with monkeypatch.context() as patched:
        break_passwords(patched, answer=False)
        assert outcome_of(ask(browser, candidate, RIGHT, attempt=1)) == "bad_credentials"
    assert ask(browser, service, RIGHT, attempt=2).status_code == 303
    assert column(service, sign_in_failures.c.request_id) == []


def test_what_a_candidate_wrongly_accepted_ends_with_the_refusal(
    service: IdentityService, candidate: IdentityService, browser: Edge, monkeypatch
) -> None:
    service.add_user()
    with monkeypatch.context() as patched:
        break_passwords(patched, answer=True)
        assert ask(browser, candidate, "wrong", attempt=1).status_code == 303
    assert outcome_of(ask(browser, service, "wrong", attempt=2)) == "bad_credentials"
    assert column(service, sessions.c.session_hash) == []
    assert column(service, sign_in_failures.c.request_id) == ["r-1"]


def test_a_candidate_that_answers_late_takes_nothing_from_the_person(
    service: IdentityService, candidate: IdentityService, browser: Edge
) -> None:
    service.add_user()
    answer = ask(browser, service, RIGHT, attempt=2)
    ask(browser, candidate, RIGHT, attempt=1)
    ask(browser, candidate, "wrong", attempt=1)
    browser.keep(answer)
    assert "You are signed in" in browser.get("/demo").text
    assert column(service, sign_in_failures.c.request_id) == []


def test_the_candidates_failure_does_not_make_the_second_opinion_wait(
    service: IdentityService, candidate: IdentityService, browser: Edge
) -> None:
    service.add_user()
    for _ in range(9):
        service.edge().sign_in(password="wrong")
    assert outcome_of(ask(browser, candidate, "wrong", attempt=1)) == "bad_credentials"
    assert outcome_of(ask(browser, service, RIGHT, attempt=2)) == "ok"


def test_the_session_before_is_replaced_once_although_two_replicas_worked(
    service: IdentityService, candidate: IdentityService
) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    browser.cookies["token"] = browser.csrf_token()
    ask(browser, candidate, RIGHT, attempt=1)
    browser.keep(ask(browser, service, RIGHT, attempt=2))
    assert len(column(service, sessions.c.session_hash)) == 1
    assert "You are signed in" in browser.get("/demo").text


def test_without_the_edges_token_a_request_id_is_not_believed(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    form = {"csrf_token": browser.csrf_token(), "email": "ada@example.org", "password": "wrong"}
    for token in ("", "wrong", EDGE_TOKEN[:-1]):
        for attempt in (1, 2):
            browser.post(
                "/sign-in",
                form,
                headers={"x-ostiary-edge": token},
                request_id="r-1",
                attempt=attempt,
            )
    ids = column(service, sign_in_failures.c.request_id)
    assert len(ids) == 6
    assert "r-1" not in ids


def test_a_sign_up_that_two_replicas_executed_makes_one_account(
    service: IdentityService, candidate: IdentityService, browser: Edge
) -> None:
    assert ask(browser, candidate, RIGHT, attempt=1, path="/sign-up").status_code == 303
    made = column(service, users.c.id)
    answer = browser.keep(ask(browser, service, RIGHT, attempt=2, path="/sign-up"))
    assert answer.status_code == 303
    assert column(service, users.c.id) == made
    assert column(service, users.c.minted_by) == [service.configuration.snapshot]
    assert "You are signed in" in browser.get("/demo").text
    assert service.edge().sign_in().status_code == 303


def test_a_password_that_only_the_candidate_accepted_leaves_the_address_free(
    service: IdentityService, candidate: IdentityService, browser: Edge, monkeypatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            "ostiary.identity.accounts.creation.require_acceptable", lambda *_, **__: None
        )
        assert ask(browser, candidate, "short", attempt=1, path="/sign-up").status_code == 303
    answer = ask(browser, service, "short", attempt=2, path="/sign-up")
    assert outcome_of(answer) == "weak_password"
    assert column(service, users.c.id) == []


def test_a_sign_out_that_two_replicas_executed_signs_out(
    service: IdentityService, candidate: IdentityService
) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    form = {"csrf_token": browser.csrf_token("/sign-out")}
    for replica, attempt in ((candidate, 1), (service, 2)):
        other = Edge(replica, cookies=browser.cookies)
        answer = other.request("POST", "/sign-out", form=form, request_id="r-1", attempt=attempt)
        assert (answer.status_code, outcome_of(answer)) == (303, "ok")
    assert column(service, sessions.c.session_hash) == []
