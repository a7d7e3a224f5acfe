import re

import pytest
from sqlalchemy import select

from ostiary.identity.sessions.throttling import NETWORK, PAIR
from ostiary.identity.store.schema import sessions, sign_in_failures
from tests.identity_app import SNAPSHOT, IdentityService, outcome_of

RIGHT = "correct horse battery"


def stored_sessions(service: IdentityService) -> int:
    with service.store.read() as connection:
        return len(connection.execute(select(sessions.c.session_hash)).all())


def counted_failures(service: IdentityService) -> list[str]:
    with service.store.read() as connection:
        return list(connection.execute(select(sign_in_failures.c.email_key)).scalars())


def test_the_right_password_signs_in_and_leads_back(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    answer = browser.sign_in(return_to="/oauth2/authorize?client_id=app")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/oauth2/authorize?client_id=app"
    assert answer.headers["x-auth-outcome"] == f"{SNAPSHOT}/ok"
    assert "ada@example.org" in browser.get("/demo").text
    assert counted_failures(service) == []


def test_the_address_may_be_typed_in_another_spelling(service: IdentityService) -> None:
    service.add_user("Jörg@Bücher.example")
    assert service.edge().sign_in(" JÖRG@bücher.EXAMPLE ").status_code == 303


def test_wrong_unknown_and_disabled_read_the_same(service: IdentityService) -> None:
    for name in ("ada", "eve"):
        service.add_user(f"{name}@example.org")
    service.admin("POST", "/admin/users/eve@example.org/disable")
    tries = {
        "bad_credentials": ("ada@example.org", "wrong"),
        "unknown_user": ("bob@example.org", RIGHT),
        "user_disabled": ("eve@example.org", RIGHT),
    }
    pages = set()
    for outcome, (email, password) in tries.items():
        answer = service.edge().sign_in(email, password)
        assert (answer.status_code, outcome_of(answer)) == (200, outcome)
        neutral = answer.text.replace(email, "")
        pages.add(re.sub(r'name="csrf_token" value="[^"]+"', "", neutral))
    assert len(pages) == 1
    assert stored_sessions(service) == 0
    assert sorted(counted_failures(service)) == [
        "ada@example.org",
        "bob@example.org",
        "eve@example.org",
    ]


def test_a_refused_page_keeps_the_address_and_forgets_the_password(
    service: IdentityService,
) -> None:
    answer = service.edge().sign_in("bob@example.org", "my secret words", return_to="/x?y=1")
    assert 'value="bob@example.org"' in answer.text
    assert 'value="/x?y=1"' in answer.text
    assert "my secret words" not in answer.text


def test_what_a_person_typed_is_shown_as_text(service: IdentityService) -> None:
    answer = service.edge().sign_in('"><script>alert(1)</script>@example.org', "x")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_text_that_is_no_address_is_an_unknown_user_and_counts_for_nobody(
    service: IdentityService,
) -> None:
    answer = service.edge().sign_in("not an address", RIGHT)
    assert (answer.status_code, outcome_of(answer)) == (200, "unknown_user")
    assert counted_failures(service) == []


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_sent_to_another_host(service: IdentityService, target: str) -> None:
    service.add_user()
    assert service.edge().sign_in(return_to=target).headers["location"] == "/demo"
    page = service.edge().get(f"/sign-in?return_to={target}")
    assert 'name="return_to" value="/demo"' in page.text


def test_signing_in_replaces_whatever_session_the_browser_had(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    before = browser.cookies["ostiary_session"]
    browser.sign_in()
    assert browser.cookies["ostiary_session"] != before
    assert stored_sessions(service) == 1
    browser.cookies["ostiary_session"] = before
    assert "Nobody is signed in" in browser.get("/demo").text


def test_a_session_that_an_attacker_planted_gives_them_nothing(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.cookies["ostiary_session"] = "known-to-the-attacker"
    browser.sign_in()
    assert browser.cookies["ostiary_session"] != "known-to-the-attacker"
    attacker = service.edge(cookies={"ostiary_session": "known-to-the-attacker"})
    assert "Nobody is signed in" in attacker.get("/demo").text


def test_a_session_of_somebody_else_ends_when_another_person_signs_in(
    service: IdentityService,
) -> None:
    service.add_user("ada@example.org")
    service.add_user("bob@example.org")
    browser = service.edge()
    browser.sign_in("ada@example.org")
    browser.sign_in("bob@example.org")
    assert "bob@example.org" in browser.get("/demo").text
    assert stored_sessions(service) == 1


def test_a_session_ends_by_itself(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    service.clock.advance(12 * 3600 - 1)
    assert "You are signed in" in browser.get("/demo").text
    service.clock.advance(1)
    assert "Nobody is signed in" in browser.get("/demo").text


def test_guessing_is_slowed_down_and_nobody_is_locked_out(service: IdentityService) -> None:
    service.add_user()
    for _ in range(14):
        assert outcome_of(service.edge().sign_in(password="wrong")) == "bad_credentials"
        service.clock.advance(9)
    answer = service.edge().sign_in()
    assert (answer.status_code, outcome_of(answer)) == (429, "rate_limited")
    assert answer.headers["retry-after"] == "7"
    assert "Try again in 7 seconds." in answer.text
    service.clock.advance(7)
    assert service.edge().sign_in().status_code == 303


def test_a_text_too_long_for_a_password_is_a_failure_like_any_other(
    service: IdentityService,
) -> None:
    service.add_user()
    answer = service.edge().sign_in(password="\u0345\u0300" * 5_000)
    assert (answer.status_code, outcome_of(answer)) == (200, "bad_credentials")
    assert len(counted_failures(service)) == 1


def test_refused_attempts_do_not_prolong_the_wait(service: IdentityService) -> None:
    service.add_user()
    for _ in range(11):
        service.edge().sign_in(password="wrong")
        service.clock.advance(1)
    assert outcome_of(service.edge().sign_in()) == "rate_limited"
    assert len(counted_failures(service)) == 11


def test_failures_for_one_address_cost_no_other_one(service: IdentityService) -> None:
    service.add_user("ada@example.org")
    for number in range(12):
        service.edge().sign_in("bob@example.org", f"guess {number}")
    assert outcome_of(service.edge().sign_in("bob@example.org")) == "rate_limited"
    assert service.edge().sign_in("ada@example.org").status_code == 303


def test_the_wait_does_not_tell_whether_there_is_an_account(service: IdentityService) -> None:
    service.add_user("ada@example.org")
    waits = []
    for email in ("ada@example.org", "bob@example.org"):
        for _ in range(11):
            service.edge().sign_in(email, "wrong")
        answer = service.edge().sign_in(email, "wrong")
        waits.append((answer.status_code, answer.headers.get("retry-after")))
    assert waits[0] == waits[1]


def test_expired_sessions_and_old_failures_are_cleared_away(service: IdentityService) -> None:
    service.add_user()
    service.edge().sign_in()
    service.edge().sign_in(password="wrong")
    service.clock.advance(12 * 3600)
    service.edge().sign_in()
    assert stored_sessions(service) == 2
    service.identity.delete_expired()
    assert stored_sessions(service) == 1
    assert counted_failures(service) == []


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_other_kinds_of_forms_are_refused(service: IdentityService, content_type: str) -> None:
    answer = service.edge().request(
        "POST", "/sign-in", body="{}", headers={"content-type": content_type}
    )
    assert (answer.status_code, outcome_of(answer)) == (400, "invalid_request")


def test_a_probe_does_not_wait_for_others_in_its_network_but_for_its_own_failures(
    service: IdentityService,
) -> None:
    probe = service.add_user("probe-1@probe.invalid", probe=True)["email"]
    person = service.add_user()["email"]
    for number in range(NETWORK.free):
        service.edge().sign_in(f"nobody-{number}@example.org")
    assert outcome_of(service.edge().sign_in(person)) == "rate_limited"
    assert outcome_of(service.edge().sign_in(probe)) == "ok"
    for _ in range(PAIR.free):
        service.edge().sign_in(probe, "wrong")
    assert outcome_of(service.edge().sign_in(probe)) == "rate_limited"
