"""The report of drills as people see it: readable in light and dark, wide and on a telephone."""

import pytest
from playwright.sync_api import Page

from ostiary.drills.mode import Mode
from ostiary.drills.report.page import render
from tests.browser import appearance
from tests.unit.drills.test_report import HOSTILE, NOW, drill, evidence

pytestmark = pytest.mark.browser

UNBROKEN = "x" * 300


@pytest.fixture(scope="module")
def report() -> str:
    """A page with all charts, an outage that nobody stopped, and a reason without a space in it."""
    held_off = drill(
        mode=Mode.GUARDED,
        change={"evidence": evidence(), "snapshot": "s-1"},
        stage="canary",
        verdict="rolled_back",
        hidden=4,
        reasons=(("harm", UNBROKEN),),
    )
    return render([drill(failing=range(15)), held_off], now=NOW)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_the_report_can_be_read(page: Page, report: str, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(report)
    for summary in page.locator("summary").all():
        summary.click()

    assert appearance.hard_to_read(page) == []
    assert appearance.horizontal_overflow(page) <= 0
    assert page.get_by_text(HOSTILE).first.is_visible()


def test_pictures_stay_large_enough_to_be_read_on_a_telephone(page: Page, report: str) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.set_content(report)

    heights = page.evaluate(
        "[...document.querySelectorAll('.picture text')].map(t => t.getBoundingClientRect().height)"
    )

    assert min(heights) > 9
