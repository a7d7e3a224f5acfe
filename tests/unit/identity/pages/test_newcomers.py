"""Nobody makes accounts in bulk from one network, and nobody else waits for them."""

import pytest
from falcon import testing
from sqlalchemy import func, select

from ostiary.identity.sessions.newcomers import NETWORK, NETWORK_RANGE, is_of_this_machine
from ostiary.identity.store.schema import sign_in_failures, users
from tests.identity_app import Edge, IdentityService, outcome_of

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ostiary.identity.passwords.hashing.PasswordHasher.hash", lambda *_, **__: "no real hash"
    )
    monkeypatch.setattr(
        "ostiary.identity.passwords.hashing.PasswordHasher.verify_nobody", lambda *_: None
    )


def sign_up(service: IdentityService, number: int, address: str = "203.0.113.7") -> testing.Result:
    browser = service.edge(client_address=address)
    form = {"email": f"ada{number}@example.org", "password": PASSWORD}
    return browser.submit("/sign-up", form)


def fill(service: IdentityService) -> None:
    for number in range(NETWORK.free):
        assert outcome_of(sign_up(service, number)) == "ok"


def accounts(service: IdentityService) -> int:
    with service.store.read() as connection:
        return connection.execute(select(func.count()).select_from(users)).scalar_one()


def test_after_many_sign_ups_from_a_network_the_next_one_waits(service: IdentityService) -> None:
    fill(service)
    answer = sign_up(service, 99)
    assert (answer.status_code, outcome_of(answer)) == (429, "rate_limited")
    assert answer.headers["retry-after"] == "1"
    assert "Try again in 1 second." in answer.text
    assert accounts(service) == NETWORK.free
    assert outcome_of(sign_up(service, 100, "198.51.100.1")) == "ok"
    service.clock.advance(1)
    assert outcome_of(sign_up(service, 99)) == "ok"
    assert sign_up(service, 101).headers["retry-after"] == "2"
    service.clock.advance(16 * 60)
    assert outcome_of(sign_up(service, 102)) == "ok"


def test_taken_addresses_count_and_sign_ins_do_not_wait_for_them(service: IdentityService) -> None:
    for _ in range(NETWORK.free):
        sign_up(service, 1)
    assert outcome_of(sign_up(service, 2)) == "rate_limited"
    assert service.edge().sign_in("nobody@example.org").status_code != 429


def test_a_range_of_networks_waits_later(service: IdentityService) -> None:
    for number in range(NETWORK_RANGE.free):
        assert outcome_of(sign_up(service, number, f"203.0.113.{number}")) == "ok"
    assert outcome_of(sign_up(service, 999, "203.0.113.250")) == "rate_limited"
    assert outcome_of(sign_up(service, 999, "203.0.114.250")) == "ok"


def test_this_machine_and_the_guards_journeys_on_it_do_not_wait(service: IdentityService) -> None:
    for number in range(NETWORK.free + 5):
        assert outcome_of(sign_up(service, number, "127.0.0.1")) == "ok"
    with service.store.read() as connection:
        assert connection.execute(select(sign_in_failures)).all() == []


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("203.0.113.7", False),
        ("2001:db8::1", False),
        ("", False),
        ("no address", False),
    ],
)
def test_which_addresses_are_this_machines(address: str, own: bool) -> None:
    assert is_of_this_machine(address) is own


def test_a_request_counts_once_and_its_second_attempt_does_not_wait_for_its_first(
    service: IdentityService,
) -> None:
    browser = service.edge()
    token = browser.csrf_token("/sign-up")
    last = NETWORK.free - 1
    for number in range(last):
        sign_up(service, number)

    def ask(attempt: int) -> str:
        other = Edge(service, cookies=browser.cookies)
        form = {"csrf_token": token, "email": "eve@example.org", "password": PASSWORD}
        return outcome_of(
            other.request("POST", "/sign-up", form=form, request_id="r-1", attempt=attempt)
        )

    assert [ask(1), ask(2), ask(2)] == ["ok"] * 3
    assert accounts(service) == NETWORK.free
    assert outcome_of(sign_up(service, 99)) == "rate_limited"


def test_a_second_opinion_that_has_to_wait_leaves_no_account_behind(
    service: IdentityService,
) -> None:
    browser = service.edge()
    token = browser.csrf_token("/sign-up")
    form = {"csrf_token": token, "email": "eve@example.org", "password": PASSWORD}
    browser.request("POST", "/sign-up", form=form, request_id="r-1", attempt=1)
    for number in range(NETWORK.free - 1):
        sign_up(service, number)
    service.clock.advance(1)
    sign_up(service, 99)
    before = accounts(service)
    answer = browser.request("POST", "/sign-up", form=form, request_id="r-1", attempt=2)
    assert outcome_of(answer) == "rate_limited"
    assert accounts(service) == before - 1
