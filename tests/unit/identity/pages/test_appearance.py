"""What can be checked of a page without seeing it: labels, order, contrast, no scripts."""

import re
from html.parser import HTMLParser
from importlib import resources

import pytest

from tests.identity_app import IdentityService

CONTRAST_MIN = 4.5
INTERFACE_CONTRAST_MIN = 3.0


class Page(HTMLParser):
    """The elements of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def by_id(self) -> dict[str, str]:
        return {a["id"]: tag for tag, a in self.elements if "id" in a}


def pages(service: IdentityService) -> dict[str, str]:
    service.add_user()
    browser, other = service.edge(), service.edge()
    found = {path: browser.get(path).text for path in ("/sign-in", "/sign-up", "/sign-out")}
    found["/demo, nobody"] = browser.get("/demo").text
    found["/sign-in, refused"] = browser.sign_in(password="wrong").text
    form = {"email": "bob@example.org", "password": "x"}
    found["/sign-up, refused"] = browser.submit("/sign-up", form).text
    found["/sign-out, refused"] = browser.post("/sign-out", {}).text
    found["/nothing"] = browser.get("/nothing").text
    other.sign_in()
    found["/demo"] = other.get("/demo").text
    return found


@pytest.fixture
def parsed(service: IdentityService) -> dict[str, Page]:
    return {name: Page(text) for name, text in pages(service).items()}


def test_every_page_says_what_it_is(parsed: dict[str, Page]) -> None:
    for name, page in parsed.items():
        assert page.all("html")[0]["lang"] == "en", name
        assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1, name
        assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
            "meta"
        )


def test_pages_need_no_script_and_nothing_from_elsewhere(parsed: dict[str, Page]) -> None:
    for name, page in parsed.items():
        assert page.all("script") == [], name
        for tag, attributes in page.elements:
            assert not {key for key in attributes if key.startswith("on") or key == "style"}, tag
            assert not attributes.get("src"), tag
            assert not attributes.get("href", "").startswith(("http", "//")), tag


def test_every_field_has_a_label_and_says_what_to_fill_in(parsed: dict[str, Page]) -> None:
    for name, page in parsed.items():
        labelled = {label["for"] for label in page.all("label")}
        for field in page.all("input"):
            if field["type"] == "hidden":
                continue
            assert field["id"] in labelled, name
            assert field["autocomplete"] in {"username", "current-password", "new-password"}


def test_descriptions_and_links_within_a_page_lead_somewhere(parsed: dict[str, Page]) -> None:
    for name, page in parsed.items():
        ids = page.by_id()
        for _tag, attributes in page.elements:
            for target in attributes.get("aria-describedby", "").split():
                assert target in ids, name
            href = attributes.get("href", "")
            assert not href.startswith("#") or href[1:] in ids, name


def test_a_refusal_is_announced_and_tied_to_its_fields(parsed: dict[str, Page]) -> None:
    for name in ("/sign-in, refused", "/sign-up, refused", "/sign-out, refused"):
        (alert,) = (a for a in parsed[name].all("div") if a.get("role") == "alert")
        # Focus starts at the summary, which stands before the form.
        assert alert["tabindex"] == "-1"
        assert "autofocus" in alert
    fields = {field["name"]: field for field in parsed["/sign-in, refused"].all("input")}
    for field in ("email", "password"):
        assert fields[field]["aria-invalid"] == "true"
        assert "problem" in fields[field]["aria-describedby"].split()


def test_no_page_changes_the_natural_order_of_focus(parsed: dict[str, Page]) -> None:
    for page in parsed.values():
        assert {a["tabindex"] for _, a in page.elements if "tabindex" in a} <= {"-1"}


PAIRS = [
    ("ink", "wall"),
    ("ink", "door"),
    ("soft", "door"),
    ("soft", "wall"),
    ("act", "door"),
    ("act-ink", "act"),
    ("alarm", "alarm-wall"),
]
INTERFACE_PAIRS = [("line", "door"), ("focus", "door"), ("focus", "wall"), ("alarm", "door")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_controls_stand_out_from_what_is_behind_them(scheme: str) -> None:
    colours = scheme_colours(scheme)
    for minimum, pairs in ((CONTRAST_MIN, PAIRS), (INTERFACE_CONTRAST_MIN, INTERFACE_PAIRS)):
        for front, back in pairs:
            assert contrast(colours[front], colours[back]) >= minimum, (front, back)


def test_outlines_of_focus_are_never_taken_away() -> None:
    assert ":focus-visible" in style()
    assert "outline: none" not in style()
    assert "outline: 0" not in style()


def style() -> str:
    return (resources.files("ostiary.identity.pages") / "ostiary.css").read_text("utf-8")


def scheme_colours(scheme: str) -> dict[str, str]:
    """Return the custom properties that hold colours; dark ones replace light ones."""
    light, dark = re.findall(r":root \{(.*?)\}", style(), re.DOTALL)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    if scheme == "dark":
        found.update(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark))
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, section 1.4.3)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
