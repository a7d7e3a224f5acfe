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


def parts_of(body: str) -> tuple[str, str]:
    """Return what programs go by in a body, and what people read; of any other body all is form."""
    try:
        value = json.loads(body)
    except ValueError:
        if "<html" not in body[:1000].lower():
            return body, ""
        page = _Page()
        page.feed(body)
        return " ".join(page.parts), " ".join(page.words)
    words: list[str] = []
    return json.dumps(_without_words(value, words), sort_keys=True), " ".join(words)


def _without_words(value: object, words: list[str]) -> object:
    """Return JSON with its words taken out, and put them into `words`."""
    if isinstance(value, list):
        return [_without_words(each, words) for each in value]
    if not isinstance(value, dict):
        return value
    form: dict[str, object] = {}
    for name, each in value.items():
        if name in _FOR_PEOPLE:
            words.append(str(each))
            form[name] = "words"
        elif name == "keys" and isinstance(each, list):
            # Which keys are published changes by itself; that tokens fit them, journeys see.
            form[name] = "keys" if each else "none"
        else:
            form[name] = _without_words(each, words)
    return form


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tags that do something, with what they do."""
        if tag in _ATTRIBUTES:
            found = {name: value or "" for name, value in attrs if name in _ATTRIBUTES[tag]}
            self.parts.append(f"{tag}{json.dumps(found, sort_keys=True)}")

    def handle_data(self, data: str) -> None:
        """Note what people read."""
        self.words += data.split()
