"""The tags of an HTML page, in time that grows with its length alone.

Python's own parser takes a minute for 256 KiB of `<!--`, and a page may come from a broken release,
while the guard has a lease to keep. What is not closed, such as a comment, a quoted value or a tag,
ends the page here, as it does in browsers (HTML, section 13.2.5: end of file in a tag).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Final

_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_ATTRIBUTE_NAME = re.compile(r"[^\s/>=][^\s/>=]*")
_EQUALS = re.compile(r"\s*=\s*")
_PLAIN_VALUE = re.compile(r"[^\s>]*")
_BETWEEN = re.compile(r"[\s/]*")
_TEXT_ONLY: Final = {
    name: re.compile(f"</{name}", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "textarea", "title")
}
"""Elements that hold no others, and their end: what looks like a tag in them is text."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag, its name in lower case; `closing` for `</form>`. The first of two names counts."""

    name: str
    attributes: Mapping[str, str]
    closing: bool = False


def read_tags(page: str) -> Iterator[Tag]:
    """Return the tags of a page in order; broken markup gives fewer, never an error."""
    at = 0
    while (at := page.find("<", at)) != -1:
        if page.startswith(("<!", "<?"), at):
            at = _after(page, "-->" if page.startswith("<!--", at) else ">", at)
            continue
        closing = page.startswith("</", at)
        name = _NAME.match(page, at + (2 if closing else 1))
        if name is None:
            at += 1
            continue
        attributes, at = _attributes(page, name.end())
        if at == len(page):
            return
        tag = Tag(name[0].lower(), attributes, closing)
        yield tag
        if tag.name in _TEXT_ONLY and not closing:
            end = _TEXT_ONLY[tag.name].search(page, at)
            at = len(page) if end is None else end.start()


def _after(page: str, mark: str, at: int) -> int:
    """Return the place after the next `mark`; the end of the page where there is none."""
    found = page.find(mark, at)
    return len(page) if found == -1 else found + len(mark)


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    """Return the attributes that begin at a place, and the place of the `>` after them."""
    found: dict[str, str] = {}
    while True:
        at = _end(_BETWEEN, page, at)
        if at == len(page) or page[at] == ">":
            return found, at
        # A stray `=` is a name of its own; browsers see it so too.
        end = max(_end(_ATTRIBUTE_NAME, page, at), at + 1)
        name, value, at = page[at:end].lower(), "", end
        equals = _EQUALS.match(page, at)
        if equals is not None:
            value, at = _value(page, equals.end())
        found.setdefault(name, value)


def _value(page: str, at: int) -> tuple[str, int]:
    """Return the value that begins at a place, and the place after it."""
    quote = page[at : at + 1]
    if quote in {'"', "'"}:
        end = page.find(quote, at + 1)
        return ("", len(page)) if end == -1 else (unescape(page[at + 1 : end]), end + 1)
    end = _end(_PLAIN_VALUE, page, at)
    return unescape(page[at:end]), end


def _end(pattern: "re.Pattern[str]", page: str, at: int) -> int:
    """Return where a match that begins at a place ends; the place itself where there is none."""
    found = pattern.match(page, at)
    return at if found is None else found.end()
