"""A real Chromium, driven by Playwright, that talks to nobody but the system under test."""

import re
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.availability import find_chromium

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WAIT_MILLISECONDS_MAX = 30_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser process for a module of tests.

    Not for the whole run: while Playwright is open, its event loop runs in the main thread, and
    no other test could start one.
    """
    executable = find_chromium()
    assert executable is not None, "a test without the mark `browser` asked for the browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=list(ARGUMENTS), headless=True
        )
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser, for tests that open contexts of their own."""
    return chromium


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh profile of one test: no cookies, no cache."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(WAIT_MILLISECONDS_MAX)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page in a fresh profile."""
    return context.new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a screenshot of the page of a failed test, and say where it is."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and isinstance(page, Page):
        directory = item.config._tmp_path_factory.mktemp("screenshots")  # type: ignore[attr-defined]
        path = directory / f"{re.sub(r'[^a-z0-9]+', '-', item.name.lower())}.png"
        page.screenshot(path=path, full_page=True)
        report.sections.append(("screenshot", f"{page.url}\n{path}"))
    return report
