from sqlalchemy import func, insert, select

from ostiary.identity.store.schema import grant_families, sessions
from tests.identity_app import IdentityService, outcome_of


def test_following_a_link_signs_nobody_out(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    page = browser.get("/sign-out?return_to=/x")
    assert (page.status_code, outcome_of(page)) == (200, "ok")
    assert 'name="return_to" value="/x"' in page.text
    assert "You are signed in" in browser.get("/demo").text


def test_signing_out_ends_the_session_everywhere(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    kept = dict(browser.cookies)
    answer = browser.submit("/sign-out", {"return_to": "/demo?bye"})
    assert (answer.status_code, outcome_of(answer)) == (303, "ok")
    assert answer.headers["location"] == "/demo?bye"
    assert "ostiary_session" not in browser.cookies
    thief = service.replica().edge(cookies=kept)
    assert "Nobody is signed in" in thief.get("/demo").text


def test_signing_out_revokes_the_sessions_grants(service: IdentityService) -> None:
    user = service.add_user()
    service.add_client("app")
    browser = service.edge()
    browser.sign_in()
    with service.store.write() as connection:
        session_hash = connection.execute(select(sessions.c.session_hash)).scalar_one()
        connection.execute(
            insert(grant_families).values(
                id="f-1",
                client_id="app",
                user_id=user["id"],
                session_hash=session_hash,
                scope="openid",
                auth_time=0,
                created_at=0,
                minted_by="s",
            )
        )
    browser.submit("/sign-out", {})
    with service.store.read() as connection:
        because = connection.execute(select(grant_families.c.revoked_because)).scalar_one()
    assert because == "signed_out"


def test_signing_out_when_nobody_is_signed_in_is_fine(service: IdentityService) -> None:
    answer = service.edge().submit("/sign-out", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo")


def test_one_browser_signing_out_leaves_the_others_signed_in(service: IdentityService) -> None:
    service.add_user()
    one, other = service.edge(), service.edge()
    one.sign_in()
    other.sign_in()
    one.submit("/sign-out", {})
    assert "You are signed in" in other.get("/demo").text
    with service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar_one() == 1
