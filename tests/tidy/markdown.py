"""Just enough Markdown: links, headings and their anchors, tables."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def prose(text: str) -> str:
    """Return a document without its code blocks."""
    return _FENCE.sub("", text)


def links(text: str) -> Iterator[str]:
    """Yield the target of every link."""
    for match in _LINK.finditer(prose(text)):
        yield match[1]


def headings(text: str) -> list[str]:
    """Return the text of every heading."""
    return [heading.strip() for heading in _HEADING.findall(prose(text))]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as the usual renderers make them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings(text)
    }


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of the same or a higher level."""
    match = re.search(rf"^(#+) {re.escape(heading)}\s*$", text, re.MULTILINE)
    assert match is not None, f"there is no heading {heading!r}"
    rest = text[match.end() :]
    following = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def first_column(table: str) -> list[str]:
    """Return the first cell of every row of the tables in a text, without the header."""
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]
    return [cell for cell in rows[1:] if not re.fullmatch(r":?-+:?", cell)]
