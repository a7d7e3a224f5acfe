from tests.identity_app import IdentityService, outcome_of


def test_the_demo_page_names_person_session_and_who_answered(service: IdentityService) -> None:
    service.add_user(roles=("admin", "team:read"))
    browser = service.edge()
    browser.sign_in()
    candidate = service.replica(name="identity-candidate", snapshot="s-candidate000")
    page = candidate.edge(cookies=browser.cookies).get("/demo").text
    for shown in (
        "ada@example.org",
        "admin",
        "team:read",
        "1 January 2026, 00:00 UTC",
        "1 January 2026, 12:00 UTC",
        service.configuration.snapshot,
        "s-candidate000",
        "identity-candidate",
        "ostiary demo bad-release",
    ):
        assert shown in page


def test_when_nobody_is_signed_in_it_leads_to_signing_in_and_sets_no_cookie(
    service: IdentityService,
) -> None:
    page = service.edge().get("/demo")
    assert (page.status_code, outcome_of(page)) == (200, "ok")
    assert 'href="/sign-in"' in page.text
    assert 'href="/sign-up"' in page.text
    assert not page.cookies


def test_a_person_who_is_disabled_is_signed_out_at_once(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    service.replica().admin("POST", "/admin/users/ada@example.org/disable")
    assert "Nobody is signed in" in browser.get("/demo").text
    service.admin("POST", "/admin/users/ada@example.org/enable")
    assert "Nobody is signed in" in browser.get("/demo").text
    assert browser.sign_in().status_code == 303


def test_the_entrance_leads_to_the_demo_page(service: IdentityService) -> None:
    answer = service.edge().get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo")


def test_a_browser_that_asks_for_an_icon_counts_no_refusal(service: IdentityService) -> None:
    answer = service.edge().get("/favicon.ico")
    assert (answer.status_code, outcome_of(answer)) == (204, "ok")
