import pytest

from tests.identity_app import IdentityService


@pytest.fixture(autouse=True)
def user(service: IdentityService) -> None:
    service.add_user()


def test_on_https_cookies_are_secure_and_bound_to_the_host(service: IdentityService) -> None:
    browser = service.edge(secure=True)
    browser.get("/sign-in")
    answer = browser.sign_in()
    assert set(browser.cookies) == {
        "__Host-ostiary_browser",
        "__Host-ostiary_device",
        "__Host-ostiary_session",
    }
    cookie = answer.cookies["__Host-ostiary_session"]
    assert cookie.secure
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.path == "/"
    assert cookie.domain is None
    assert cookie.max_age == 12 * 3600
    assert "You are signed in" in browser.get("/demo").text


def test_on_http_they_stand_without_prefix_and_never_readable_by_scripts(
    service: IdentityService,
) -> None:
    browser = service.edge()
    answer = browser.sign_in()
    cookie = answer.cookies["ostiary_session"]
    assert not cookie.secure
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_on_https_a_cookie_without_the_prefix_is_not_believed(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in()
    secure = service.edge(secure=True, cookies=browser.cookies)
    assert "Nobody is signed in" in secure.get("/demo").text


def test_https_is_believed_from_the_edge_only(service: IdentityService) -> None:
    browser = service.edge(secure=True)
    browser.request("GET", "/sign-in", headers={"x-ostiary-edge": "wrong"})
    answer = browser.get("/sign-in", headers={"x-ostiary-edge": "wrong"})
    assert not answer.cookies["ostiary_browser"].secure


@pytest.mark.parametrize("value", ["", "x", "x" * 300, "a;b", '"', "%00", "é"])
def test_any_other_value_means_nobody(service: IdentityService, value: str) -> None:
    browser = service.edge(cookies={"ostiary_session": value})
    answer = browser.get("/demo")
    assert answer.status_code == 200
    assert "Nobody is signed in" in answer.text


def test_two_cookies_of_one_name_mean_nobody(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in()
    secret = browser.cookies["ostiary_session"]
    twice = f"ostiary_session=planted; ostiary_session={secret}"
    answer = service.edge().request("GET", "/demo", headers={"cookie": twice})
    assert "Nobody is signed in" in answer.text


def test_the_store_does_not_hold_the_cookies_secret(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in()
    secret = browser.cookies["ostiary_session"]
    with service.store.read() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert secret not in dump
    assert "correct horse" not in dump
