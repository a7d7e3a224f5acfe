"""How often a request asks the store: bounded, whatever else is in it."""

import pytest

from tests.identity_app import IdentityService, counted_statements


@pytest.fixture(autouse=True)
def people(service: IdentityService) -> None:
    for number in range(5):
        service.add_user(f"u{number}@example.org", roles=("a", "b", "c"))
    service.add_user()


def test_the_sign_in_page_asks_nothing(service: IdentityService) -> None:
    with counted_statements() as statements:
        service.edge().get("/sign-in")
    assert statements.texts == []


def test_signing_in_costs_two_reads_and_one_write_with_its_audit_entry(
    service: IdentityService,
) -> None:
    """Deleting what has expired is another thread's work, however long ago it was done."""
    service.clock.advance(3600)
    browser = service.edge()
    token = browser.csrf_token()
    form = {"csrf_token": token, "email": "ada@example.org", "password": "correct horse battery"}
    with counted_statements() as statements:
        assert browser.post("/sign-in", form).status_code == 303
    assert len(statements.reads) == 2
    assert len(statements.writes) == 2
    assert statements.write_transactions == 1


def test_a_wrong_password_costs_two_reads_and_one_write_with_its_audit_entry(
    service: IdentityService,
) -> None:
    browser = service.edge()
    token = browser.csrf_token()
    form = {"csrf_token": token, "email": "ada@example.org", "password": "wrong"}
    with counted_statements() as statements:
        browser.post("/sign-in", form)
    assert len(statements.reads) == 2
    assert len(statements.writes) == 2


def test_an_attempt_that_has_to_wait_writes_nothing(service: IdentityService) -> None:
    browser = service.edge()
    for _ in range(11):
        browser.sign_in(password="wrong")
    form = {"csrf_token": browser.csrf_token(), "email": "ada@example.org", "password": "wrong"}
    with counted_statements() as statements:
        assert browser.post("/sign-in", form).status_code == 429
    assert len(statements.reads) == 2
    assert statements.write_transactions == 0


@pytest.mark.parametrize("again", ["session before", "second opinion", "both"])
def test_at_most_one_write_transaction_whatever_has_to_be_replaced(
    service: IdentityService, again: str
) -> None:
    browser = service.edge()
    if again in {"session before", "both"}:
        browser.sign_in()
    attempt = 2 if again in {"second opinion", "both"} else 1
    form = {
        "csrf_token": browser.csrf_token(),
        "email": "ada@example.org",
        "password": "correct horse battery",
    }
    with counted_statements() as statements:
        assert browser.post("/sign-in", form, attempt=attempt).status_code == 303
    assert statements.write_transactions == 1
    assert len(statements.reads) <= 3
    assert len(statements.writes) <= 8


def test_showing_who_is_signed_in_costs_one_read(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in()
    with counted_statements() as statements:
        browser.get("/demo")
    assert len(statements.reads) == 1
    assert statements.writes == []


def test_listing_users_costs_one_read_however_many_there_are(service: IdentityService) -> None:
    with counted_statements() as statements:
        assert len(service.admin("GET", "/admin/users").json["users"]) == 6
    assert len(statements.reads) == 1
