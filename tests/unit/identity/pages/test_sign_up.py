import pytest

from tests.identity_app import IdentityService, build_identity, outcome_of

FORM = {"email": "Ada@Example.org", "password": "correct horse battery"}


def test_signing_up_makes_an_account_and_signs_in(service: IdentityService) -> None:
    browser = service.edge()
    answer = browser.submit("/sign-up", {**FORM, "return_to": "/demo?first"})
    assert (answer.status_code, outcome_of(answer)) == (303, "ok")
    assert answer.headers["location"] == "/demo?first"
    assert "Ada@Example.org" in browser.get("/demo").text
    assert service.edge().sign_in().status_code == 303
    assert service.admin("GET", "/admin/users/ada@example.org").json["roles"] == []


def test_a_taken_address_is_refused_in_any_spelling(service: IdentityService) -> None:
    service.add_user("ada@example.org")
    answer = service.edge().submit("/sign-up", {**FORM, "email": "ADA@example.org"})
    assert (answer.status_code, outcome_of(answer)) == (200, "already_exists")
    assert "There is already an account" in answer.text
    assert "ostiary_session" not in answer.cookies


@pytest.mark.parametrize("password", ["", "short", "password1", "ada@example.org", "x" * 1025])
def test_a_weak_password_is_refused_with_its_reason(
    service: IdentityService, password: str
) -> None:
    answer = service.edge().submit("/sign-up", {**FORM, "password": password})
    assert (answer.status_code, outcome_of(answer)) == (200, "weak_password")
    assert 'role="alert"' in answer.text
    assert 'href="#password"' in answer.text
    assert 'aria-describedby="problem password-hint"' in answer.text
    assert 'value="Ada@Example.org"' in answer.text
    assert service.admin("GET", "/admin/users").json == {"users": []}


def test_text_that_is_no_address_is_refused_with_its_reason(service: IdentityService) -> None:
    answer = service.edge().submit("/sign-up", {**FORM, "email": "ada"})
    assert (answer.status_code, outcome_of(answer)) == (200, "invalid_request")
    assert 'href="#email"' in answer.text


def test_where_sign_up_is_closed_nobody_signs_up(tmp_path) -> None:
    service = build_identity(tmp_path, sign_up=False)
    browser = service.edge()
    token = browser.csrf_token("/sign-in")
    for answer in (
        browser.get("/sign-up"),
        browser.post("/sign-up", {**FORM, "csrf_token": token}),
    ):
        assert (answer.status_code, outcome_of(answer)) == (403, "sign_up_closed")
    assert "/sign-up" not in browser.get("/sign-in").text
    assert "/sign-up" not in browser.get("/demo").text
    assert service.admin("GET", "/admin/users").json == {"users": []}
    service.close()


def test_a_person_who_is_signed_in_and_signs_up_is_the_new_person(
    service: IdentityService,
) -> None:
    service.add_user("bob@example.org")
    browser = service.edge()
    browser.sign_in("bob@example.org")
    browser.submit("/sign-up", FORM)
    assert "Ada@Example.org" in browser.get("/demo").text
