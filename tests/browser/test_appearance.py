"""The measures find what they are for: tried on pages that are known to be good or bad."""

import pytest
from playwright.sync_api import Page

from tests.browser import appearance

pytestmark = pytest.mark.browser

GOOD = """<!doctype html><html lang="en"><body style="background: white">
<label for="a">Name</label> <input id="a"><label>Age <input name="b"></label></body></html>"""


def test_a_good_page_has_nothing_to_complain_about(page: Page) -> None:
    page.set_content(GOOD)
    assert appearance.hard_to_read(page) == []
    assert appearance.fields_without_label(page) == []
    assert appearance.horizontal_overflow(page) <= 0


def test_contrast_is_that_of_the_specification(page: Page) -> None:
    page.set_content("<p style='color: #767676; background: white'>just enough</p>")
    (text,) = appearance.visible_texts(page)
    assert round(text.contrast, 2) == 4.54


@pytest.mark.parametrize(
    "style",
    [
        "color: #999; background: white",
        "color: oklch(0.8 0.05 250); background: white",
        "color: rgb(0 0 0 / 30%); background: white",
        "color: white; background: color-mix(in srgb, blue 20%, white)",
    ],
)
def test_faint_text_is_found_in_every_colour_notation(page: Page, style: str) -> None:
    page.set_content(f"<p style='{style}'>faint</p>")
    assert len(appearance.hard_to_read(page)) == 1


def test_large_text_may_be_fainter(page: Page) -> None:
    page.set_content("<p style='color: #888; background: white; font-size: 30px'>large</p>")
    assert appearance.hard_to_read(page) == []


def test_a_field_without_label_is_found(page: Page) -> None:
    page.set_content("<input name=a placeholder=Name><input type=hidden name=b>")
    assert len(appearance.fields_without_label(page)) == 1


def test_a_page_that_is_too_wide_is_found(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.set_content("<div style='width: 400px'>wide</div>")
    assert appearance.horizontal_overflow(page) > 0


@pytest.mark.parametrize(("outline", "visible"), [("2px solid red", True), ("none", False)])
def test_focus_that_nobody_sees_is_found(page: Page, outline: str, visible: bool) -> None:
    page.set_content(f"<style>button:focus {{ outline: {outline} }}</style><button>Go</button>")
    page.keyboard.press("Tab")
    assert appearance.focus_is_visible(page) is visible
