"""Signing in and out from one end to the other, on every store."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ostiary.identity.sessions.throttling import WINDOW_SECONDS
from ostiary.identity.store.schema import sessions, users
from tests.identity_app import IdentityService, build_identity, outcome_of
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentityService]:
    """The whole service on SQLite and then on a real PostgreSQL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    built = build_identity(tmp_path, database_url=url)
    yield built
    built.close()


def test_a_person_signs_up_out_and_in(service: IdentityService) -> None:
    browser = service.edge()
    form = {"email": "用户@例子.广告", "password": "correct horse battery"}
    assert browser.submit("/sign-up", form).status_code == 303
    assert browser.submit("/sign-out", {}).status_code == 303
    assert "Nobody is signed in" in browser.get("/demo").text
    assert outcome_of(browser.sign_in("用户@例子.广告", "wrong")) == "bad_credentials"
    assert browser.sign_in("用户@例子.广告").status_code == 303
    assert "用户@例子.广告" in browser.get("/demo").text


def test_text_that_no_store_can_hold_is_refused_before_it_gets_there(
    service: IdentityService,
) -> None:
    for email in ("ada\x00@example.org", "ada\x01@example.org"):
        browser = service.edge()
        answers = [
            browser.sign_in(email),
            browser.submit("/sign-up", {"email": email, "password": "correct horse battery"}),
            service.admin("GET", "/admin/users/ada%00@example.org"),
        ]
        assert all(400 <= a.status_code < 500 or a.status_code == 200 for a in answers)


def test_a_second_opinion_replaces_the_first_attempts_session(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    form = {
        "csrf_token": browser.csrf_token(),
        "email": "ada@example.org",
        "password": "correct horse battery",
    }
    for attempt in (1, 2):
        answer = browser.request("POST", "/sign-in", form=form, request_id="r-1", attempt=attempt)
        assert answer.status_code == 303
    browser.keep(answer)
    assert "You are signed in" in browser.get("/demo").text
    with service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar_one() == 1


def test_nobody_stays_signed_in_who_is_disabled_while_signing_in(
    service: IdentityService,
) -> None:
    service.add_user()
    for _ in range(5):
        browsers = [service.edge() for _ in range(2)]
        with ThreadPoolExecutor(4) as pool:
            tries = [pool.submit(browser.sign_in) for browser in browsers]
            service.admin("POST", "/admin/users/ada@example.org/disable")
            assert {attempt.result().status_code for attempt in tries} <= {200, 303}
        with service.store.read() as connection:
            assert connection.execute(select(sessions.c.session_hash)).all() == []
        service.admin("POST", "/admin/users/ada@example.org/enable")
        service.clock.advance(WINDOW_SECONDS + 1)


@pytest.mark.postgres
@pytest.mark.parametrize("service", ["postgres"], indirect=True)
def test_a_postgresql_that_is_away_is_no_wrong_password(
    service: IdentityService, postgres_server: PostgresServer
) -> None:
    service.add_user()
    browser = service.edge()
    browser.csrf_token()
    postgres_server.drop_database(service.configuration.database_url)
    for password in ("correct horse battery", "wrong"):
        answer = browser.sign_in(password=password)
        assert (answer.status_code, outcome_of(answer)) == (503, "store_unavailable")


@pytest.mark.postgres
@pytest.mark.parametrize("service", ["postgres"], indirect=True)
def test_a_row_that_somebody_keeps_locked_is_no_wrong_password(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    with service.store.write() as connection:
        connection.execute(select(users).with_for_update())
        answer = browser.sign_in()
    assert (answer.status_code, outcome_of(answer)) == (503, "store_unavailable")
