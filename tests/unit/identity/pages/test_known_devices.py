"""Who has to wait while somebody guesses: never the owner on a browser that is known."""

import pytest

from tests.identity_app import Edge, IdentityService, outcome_of

ADA, BOB = "ada@example.org", "bob@example.org"


def elsewhere(number: int) -> str:
    """Return an address in a range of its own."""
    return f"10.{number // 256}.{number % 256}.7"


def guess(service: IdentityService, times: int, email: str = ADA, first: int = 0) -> list[str]:
    """Guess from another network and browser each time; return what came of it."""
    outcomes = []
    for number in range(first, first + times):
        stranger = service.edge(client_address=elsewhere(number))
        outcomes.append(outcome_of(stranger.sign_in(email, "wrong")))
    return outcomes


def signed_out(browser: Edge) -> Edge:
    """Take the session from a browser; what is left is that it was here before."""
    browser.cookies.pop("ostiary_session")
    return browser


@pytest.fixture
def adas(service: IdentityService) -> Edge:
    """Ada's browser, on which she has signed in before."""
    service.add_user(ADA)
    service.add_user(BOB)
    browser = service.edge()
    assert browser.sign_in(ADA).status_code == 303
    return signed_out(browser)


def test_guesses_from_many_networks_are_slowed_down_together(service, adas) -> None:
    outcomes = guess(service, 25)
    assert outcomes == ["bad_credentials"] * 4 + ["rate_limited"] * 21


def test_one_network_that_guesses_keeps_no_new_browser_elsewhere_waiting(service, adas) -> None:
    for _ in range(30):
        service.edge(client_address=elsewhere(1)).sign_in(ADA, "wrong")
        service.clock.advance(10)
    assert service.edge(client_address=elsewhere(2)).sign_in(ADA).status_code == 303


def test_the_owner_on_a_known_browser_does_not_wait_for_a_guesser(service, adas) -> None:
    guess(service, 25)
    assert service.edge(client_address=elsewhere(99)).sign_in(ADA).status_code == 429
    assert adas.sign_in(ADA).status_code == 303


def test_neighbours_of_a_guesser_get_in_on_browsers_that_are_known(service, adas) -> None:
    for _ in range(12):
        service.edge().sign_in(ADA, "wrong")
    assert service.edge().sign_in(ADA).status_code == 429, "the same network, another browser"
    assert adas.sign_in(ADA).status_code == 303
    assert service.edge().sign_in(BOB).status_code == 303, "another account is not concerned"


def test_a_network_that_tries_many_accounts_is_slowed_down(service, adas) -> None:
    for number in range(100):
        service.edge().sign_in(f"u{number}@example.org", "wrong")
    assert service.edge().sign_in(BOB).status_code == 429
    assert service.edge(client_address="198.51.100.1").sign_in(BOB).status_code == 303
    assert adas.sign_in(ADA).status_code == 303


def test_a_known_browser_that_guesses_is_slowed_down_itself(service, adas) -> None:
    outcomes = [outcome_of(adas.sign_in(ADA, "wrong")) for _ in range(11)]
    assert outcomes == ["bad_credentials"] * 10 + ["rate_limited"]


def test_being_known_for_one_account_helps_with_no_other(service, adas) -> None:
    guess(service, 25, BOB)
    assert adas.sign_in(BOB).status_code == 429


def test_a_cookie_that_somebody_made_up_helps_nobody(service, adas) -> None:
    guess(service, 25)
    mallory = service.edge(client_address=elsewhere(99))
    mallory.cookies["ostiary_device"] = adas.cookies["ostiary_device"][:-1] + "x"
    assert mallory.sign_in(ADA).status_code == 429


def test_whoever_signs_up_is_known_from_then_on(service) -> None:
    browser = service.edge()
    browser.submit("/sign-up", {"email": ADA, "password": "correct horse battery"})
    signed_out(browser)
    guess(service, 25)
    assert browser.sign_in(ADA).status_code == 303


def test_the_cookie_says_nothing_to_scripts_and_stays_for_half_a_year(service, adas) -> None:
    cookie = adas.sign_in(ADA).cookies["ostiary_device"]
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.max_age == 180 * 86_400


def test_the_cookie_alone_signs_nobody_in(service, adas) -> None:
    assert "Nobody is signed in" in adas.get("/demo").text
