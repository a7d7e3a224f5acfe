"""A person signs up, in and out with a real browser, through the whole running system."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import appearance
from tests.browser.pages import LoginPages
from tests.system import Account, RunningSystem

pytestmark = [pytest.mark.browser, pytest.mark.system]

PASSWORD = "correct horse battery staple"
PATHS = ("/sign-in", "/sign-up", "/demo")


@pytest.fixture
def pages(page: Page, running_system: RunningSystem) -> LoginPages:
    return LoginPages(page, running_system.issuer)


@pytest.fixture
def newcomer(running_system: RunningSystem) -> Account:
    """Somebody who has no account yet."""
    return Account(running_system.new_email(), PASSWORD)


@pytest.fixture
def member(running_system: RunningSystem) -> Account:
    """Somebody who has an account."""
    return running_system.new_account("reader")


@pytest.fixture
def open_with(
    browser: Browser, running_system: RunningSystem
) -> Iterator[Callable[..., LoginPages]]:
    """Open pages in a browser of a certain kind: no scripts, a dark scheme, a phone."""
    contexts = []

    def open_pages(**options: object) -> LoginPages:
        context = browser.new_context(**options)
        contexts.append(context)
        return LoginPages(context.new_page(), running_system.issuer)

    yield open_pages
    for context in contexts:
        context.close()


def test_a_newcomer_signs_up_and_the_demo_page_knows_them(
    pages: LoginPages, newcomer: Account
) -> None:
    assert not pages.shows(newcomer.email)
    pages.sign_up(newcomer)
    assert pages.page.url == f"{pages.issuer}/demo"
    assert newcomer.email in pages.page.inner_text("body")


def test_the_demo_page_names_the_snapshot_that_answered(
    pages: LoginPages, running_system: RunningSystem
) -> None:
    last_good = running_system.status()["last_good"]
    assert pages.shows(last_good)


def test_signing_out_ends_the_session(pages: LoginPages, member: Account) -> None:
    pages.sign_in(member)
    assert pages.shows(member.email)
    pages.sign_out()
    assert not pages.shows(member.email)


def test_an_address_that_is_taken_cannot_sign_up_again(pages: LoginPages, member: Account) -> None:
    pages.sign_up(member)
    assert pages.message.is_visible()
    assert not pages.shows(member.email)


def test_a_wrong_password_is_told_and_the_address_need_not_be_typed_again(
    pages: LoginPages, member: Account
) -> None:
    pages.sign_in(Account(member.email, "not the password"))
    assert pages.message.is_visible()
    assert pages.email.input_value() == member.email
    assert pages.password.input_value() == ""
    assert not pages.shows(member.email)


def test_the_message_belongs_to_the_fields_and_has_the_focus(
    pages: LoginPages, member: Account
) -> None:
    pages.sign_in(Account(member.email, "not the password"))
    message = pages.message.get_attribute("id")
    for field in (pages.email, pages.password):
        assert message in (field.get_attribute("aria-describedby") or "").split()
        assert field.get_attribute("aria-invalid") == "true"
    assert pages.message.evaluate("element => element === document.activeElement")


def test_unknown_address_and_wrong_password_read_the_same(
    pages: LoginPages, member: Account, newcomer: Account
) -> None:
    pages.sign_in(Account(member.email, "not the password"))
    known = pages.message.inner_text()
    pages.sign_in(newcomer)
    assert pages.message.inner_text() == known


def test_signing_in_works_without_javascript(
    open_with: Callable[..., LoginPages], newcomer: Account
) -> None:
    pages = open_with(java_script_enabled=False)
    pages.sign_up(newcomer)
    assert pages.shows(newcomer.email)
    pages.sign_out()
    assert not pages.shows(newcomer.email)
    pages.sign_in(newcomer)
    assert pages.shows(newcomer.email)


def test_signing_in_never_leads_to_another_site(
    pages: LoginPages, running_system: RunningSystem
) -> None:
    for target in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example/"):
        pages.page.context.clear_cookies()
        pages.page.goto(f"{pages.issuer}/sign-in?return_to={target}")
        pages.fill_in(running_system.new_account())
        assert pages.page.url.startswith(f"{pages.issuer}/")


def test_a_form_without_its_token_changes_nothing(pages: LoginPages, newcomer: Account) -> None:
    pages.open("/sign-up")
    pages.page.evaluate("document.querySelector('[name=csrf_token]').value = 'forged'")
    pages.fill_in(newcomer)
    assert not pages.shows(newcomer.email)


def test_the_keyboard_alone_is_enough(pages: LoginPages, member: Account) -> None:
    keyboard = pages.page.keyboard
    pages.open("/sign-in")
    press_tab_until_focused(pages, "email")
    assert appearance.focus_is_visible(pages.page)
    keyboard.type(member.email)
    keyboard.press("Tab")
    keyboard.type(member.password)
    press_tab_until_focused(pages, "submit")
    assert appearance.focus_is_visible(pages.page)
    with pages.page.expect_navigation():
        keyboard.press("Enter")
    assert pages.shows(member.email)


def press_tab_until_focused(pages: LoginPages, name: str) -> None:
    """Reach a part of the page as a person without a pointer does; it has to come soon."""
    wanted = getattr(pages, name)
    for _ in range(6):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        pages.page.keyboard.press("Tab")
    pytest.fail(f"{name} is not reached by the tab key")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_every_text_is_readable_in_light_and_dark(
    open_with: Callable[..., LoginPages], path: str, scheme: str
) -> None:
    pages = open_with(color_scheme=scheme)
    pages.open(path)
    assert appearance.visible_texts(pages.page)
    assert appearance.hard_to_read(pages.page) == []


def test_the_error_message_is_readable_in_light_and_dark(
    open_with: Callable[..., LoginPages], newcomer: Account
) -> None:
    for scheme in ("light", "dark"):
        pages = open_with(color_scheme=scheme)
        pages.sign_in(newcomer)
        assert pages.message.is_visible()
        assert appearance.hard_to_read(pages.page) == []


def test_a_dark_scheme_is_dark(open_with: Callable[..., LoginPages]) -> None:
    def brightness(scheme: str) -> float:
        pages = open_with(color_scheme=scheme)
        pages.open("/sign-in")
        texts = appearance.visible_texts(pages.page)
        return appearance.luminance(texts[0].background)

    assert brightness("dark") < 0.2
    assert brightness("light") > 0.8


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_needs_no_sideways_scrolling(
    open_with: Callable[..., LoginPages], path: str
) -> None:
    pages = open_with(viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True)
    pages.open(path)
    assert appearance.horizontal_overflow(pages.page) <= 0


def test_a_long_address_does_not_widen_the_page(
    open_with: Callable[..., LoginPages], running_system: RunningSystem
) -> None:
    pages = open_with(viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True)
    long_name = "a-very-long-name-without-any-break-in-it-at-all-" + running_system.new_email()
    pages.sign_up(Account(long_name, PASSWORD))
    assert pages.shows(long_name)
    assert appearance.horizontal_overflow(pages.page) <= 0


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up"])
def test_every_field_has_a_label_and_password_managers_know_it(
    pages: LoginPages, path: str
) -> None:
    pages.open(path)
    assert appearance.fields_without_label(pages.page) == []
    assert pages.email.get_attribute("autocomplete") in {"username", "email"}
    wanted = "current-password" if path == "/sign-in" else "new-password"
    assert pages.password.get_attribute("autocomplete") == wanted


@pytest.mark.parametrize("path", PATHS)
def test_screen_readers_find_language_title_heading_and_main_part(
    pages: LoginPages, path: str
) -> None:
    pages.open(path)
    assert pages.page.locator("html").get_attribute("lang")
    assert pages.page.title().strip()
    assert pages.page.get_by_role("heading", level=1).count() == 1
    assert pages.page.get_by_role("main").count() == 1


def test_pages_load_nothing_from_elsewhere_and_report_no_errors(
    pages: LoginPages, member: Account
) -> None:
    addresses: list[str] = []
    complaints: list[str] = []
    pages.page.on("request", lambda request: addresses.append(request.url))
    pages.page.on("console", lambda message: complaints.append(f"{message.type} {message.text}"))
    pages.page.on("pageerror", lambda error: complaints.append(str(error)))
    pages.sign_in(member)
    assert pages.shows(member.email)
    assert [address for address in addresses if not address.startswith(pages.issuer)] == []
    assert [text for text in complaints if text.startswith(("error", "warning"))] == []
