"""What programs see of a body, without the words that are meant for people.

Of JSON all but the texts that explain; of a page its links, forms and fields.
"""

import json
from html.parser import HTMLParser
from typing import Final

_FOR_PEOPLE: Final = frozenset({"error_description", "message", "hint", "title", "detail"})
_ATTRIBUTES: Final = {
    "a": ("href",),
    "form": ("action", "method"),
    "input": ("name", "type", "required", "autocomplete"),
    "button": ("type", "name"),
    "link": ("rel", "href"),
    "meta": ("name", "http-equiv"),
}
"""What browsers and assistants go by; the value of a field may be drawn by chance."""


def form_of(body: str) -> str:
    """Return what programs go by in a body, as one text; any other body than those two is whole."""
    try:
        return json.dumps(_without_words(json.loads(body)), sort_keys=True)
    except ValueError:
        pass
    if "<html" not in body[:1000].lower():
        return body
    page = _Page()
    page.feed(body)
    return " ".join(page.parts)


def _without_words(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: "words" if name in _FOR_PEOPLE else _without_words(each)
            for name, each in value.items()
        }
    return [_without_words(each) for each in value] if isinstance(value, list) else value


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tags that do something, with what they do."""
        if tag in _ATTRIBUTES:
            found = {name: value or "" for name, value in attrs if name in _ATTRIBUTES[tag]}
            self.parts.append(f"{tag}{json.dumps(found, sort_keys=True)}")
