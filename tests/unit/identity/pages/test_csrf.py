import pytest

from tests.identity_app import Edge, IdentityService, csrf_token_of, outcome_of

FORM = {"email": "ada@example.org", "password": "correct horse battery"}


@pytest.fixture(autouse=True)
def user(service: IdentityService) -> None:
    service.add_user()


def refused(answer) -> bool:
    assert "ostiary_session" not in answer.cookies
    return (answer.status_code, outcome_of(answer)) == (403, "csrf_failed")


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up", "/sign-out"])
def test_a_form_without_a_token_is_refused(service: IdentityService, path: str) -> None:
    browser = service.edge()
    browser.get(path)
    assert refused(browser.post(path, FORM))


@pytest.mark.parametrize("token", ["", "wrong", "é", "A" * 43, "x" * 10_000])
def test_a_form_with_a_wrong_token_is_refused(service: IdentityService, token: str) -> None:
    browser = service.edge()
    browser.get("/sign-in")
    assert refused(browser.post("/sign-in", {**FORM, "csrf_token": token}))


def test_a_token_of_another_browser_is_refused(service: IdentityService) -> None:
    browser, attacker = service.edge(), service.edge()
    browser.get("/sign-in")
    assert refused(browser.post("/sign-in", {**FORM, "csrf_token": attacker.csrf_token()}))


def test_a_token_without_its_cookie_is_refused(service: IdentityService) -> None:
    browser = service.edge()
    token = browser.csrf_token()
    browser.cookies.clear()
    assert refused(browser.post("/sign-in", {**FORM, "csrf_token": token}))


@pytest.mark.parametrize("planted", ["", "short", "a b", "x" * 65, 'quo"ted' * 5])
def test_a_planted_browser_cookie_of_another_shape_is_replaced(
    service: IdentityService, planted: str
) -> None:
    browser = service.edge(cookies={"ostiary_browser": planted})
    token = browser.csrf_token()
    assert browser.cookies["ostiary_browser"] != planted
    assert browser.post("/sign-in", {**FORM, "csrf_token": token}).status_code == 303


def test_a_sign_out_token_belongs_to_one_session(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in()
    token = browser.csrf_token("/sign-out")
    browser.sign_in()
    assert refused(browser.post("/sign-out", {"csrf_token": token}))
    assert "You are signed in" in browser.get("/demo").text


def test_a_sign_in_token_does_not_sign_out(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in()
    assert refused(browser.post("/sign-out", {"csrf_token": browser.csrf_token("/sign-in")}))


def test_the_refusal_is_a_form_that_works(service: IdentityService) -> None:
    browser = service.edge()
    answer = browser.post("/sign-in", {**FORM, "return_to": "/x"})
    assert refused(answer)
    assert 'value="ada@example.org"' in answer.text
    again = {**FORM, "csrf_token": csrf_token_of(answer), "return_to": "/x"}
    assert browser.post("/sign-in", again).headers["location"] == "/x"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://login.example"},
        {"origin": "http://localhost:8000", "host": "localhost:8000"},
        {"origin": "HTTP://LOGIN.EXAMPLE", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {},
    ],
)
def test_forms_from_here_are_accepted(service: IdentityService, headers: dict[str, str]) -> None:
    assert service.edge().sign_in(headers=headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://login.example.evil.example"},
        {"origin": "http://login.example:8080"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://login.example", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_forms_from_elsewhere_are_refused_even_with_a_token(
    service: IdentityService, headers: dict[str, str]
) -> None:
    assert refused(service.edge().sign_in(headers=headers))


def test_a_page_of_one_replica_is_submitted_to_another(service: IdentityService) -> None:
    candidate = service.replica(snapshot="s-candidate000")
    browser = service.edge()
    token = browser.csrf_token()
    other = Edge(candidate, cookies=browser.cookies)
    assert other.post("/sign-in", {**FORM, "csrf_token": token}).status_code == 303
