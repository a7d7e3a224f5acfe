"""While the store is away, signing in says so: 503, never a wrong password, never a bug."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from falcon import testing

from tests.identity_app import IdentityService, build_identity, outcome_of

FORM = {"email": "ada@example.org", "password": "correct horse battery"}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityService]:
    """A service that gives up waiting at once, with one user."""
    monkeypatch.setattr("ostiary.identity.store.sqlite.WAIT_SECONDS_MAX", 0)
    built = build_identity(tmp_path)
    built.add_user()
    yield built
    built.close()


def is_away(answer: testing.Result) -> bool:
    assert answer.headers["retry-after"]
    assert "ostiary_session" not in answer.cookies
    return (answer.status_code, outcome_of(answer)) == (503, "store_unavailable")


@pytest.fixture
def locked(service: IdentityService, tmp_path: Path) -> Iterator[None]:
    """Another writer keeps the store for itself."""
    other = sqlite3.connect(tmp_path / "identity.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@pytest.fixture
def unreachable(service: IdentityService, tmp_path: Path) -> None:
    """The store's file is gone, and nothing can be opened in its place."""
    service.identity.close()
    for path in tmp_path.glob("identity.db*"):
        path.unlink()
    (tmp_path / "identity.db").mkdir()


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("password", ["correct horse battery", "wrong"])
def test_a_locked_store_is_no_wrong_password(service: IdentityService, password: str) -> None:
    assert is_away(service.edge().sign_in(password=password))


@pytest.mark.usefixtures("locked")
def test_a_locked_store_takes_no_new_people(service: IdentityService) -> None:
    assert is_away(service.edge().submit("/sign-up", {**FORM, "email": "bob@example.org"}))
    answer = service.admin("POST", "/admin/users", {**FORM, "email": "bob@example.org"})
    assert is_away(answer)
    assert answer.json["error"] == "store_unavailable"


def test_while_the_store_is_locked_people_stay_signed_in(
    service: IdentityService, tmp_path: Path
) -> None:
    browser = service.edge()
    browser.sign_in()
    other = sqlite3.connect(tmp_path / "identity.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "You are signed in" in browser.get("/demo").text
    assert is_away(browser.submit("/sign-out", {}))
    other.close()
    assert "You are signed in" in browser.get("/demo").text


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("password", ["correct horse battery", "wrong"])
def test_an_unreachable_store_is_no_wrong_password(service: IdentityService, password: str) -> None:
    assert is_away(service.edge().sign_in(password=password))


@pytest.mark.usefixtures("unreachable")
def test_without_a_store_the_form_is_shown_and_nobody_is_called_signed_out(
    service: IdentityService,
) -> None:
    assert service.edge().get("/sign-in").status_code == 200
    assert service.edge().get("/demo").status_code == 200
    answer = service.edge(cookies={"ostiary_session": "secret"}).get("/demo")
    assert is_away(answer)
    assert "Try again in a moment." in answer.text


def test_when_the_store_is_back_people_sign_in_again(
    service: IdentityService, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "identity.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert is_away(service.edge().sign_in())
    other.close()
    deadline = time.monotonic() + 60
    while (status := service.edge().sign_in().status_code) != 303:
        assert time.monotonic() < deadline, status
        time.sleep(0.02)
