"""Where each key of a TOML text stands, so that a problem can name its line.

`tomllib` tells values but not positions. This scanner walks a text that `tomllib` has already
accepted, and therefore checks nothing itself. Grammar: TOML 1.0.0.
"""

import re
import tomllib
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
"""The names, and the positions in arrays, that lead to a value: `("guard", "steps", 0)`."""

_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\n]|#[^\n]*)*+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|"{1,2}(?!")|[^"\\])*+"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''(?:'{1,2}(?!')|[^'])*+'''(?:'{0,2})"),
    re.compile(r'"(?:\\.|[^"\\])*+"'),
    re.compile(r"'[^']*+'"),
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, counted from 1, on which each table, key and array element begins.

    `text` must be TOML that `tomllib.loads` accepts. Raises `RecursionError` where its values are
    nested deeper than Python's stack allows.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


def is_bare_key(name: str) -> bool:
    """Return whether a key can be written without quotes (TOML 1.0.0, "Keys")."""
    return _BARE_KEY.fullmatch(name) is not None


class _Scanner:
    """A recursive descent over keys; values are only skipped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._lines: dict[KeyPath, int] = {}
        self._table_counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK_LINES)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK_LINES)
        return self._lines

    def _header(self) -> KeyPath:
        """Read `[table]` or `[[array of tables]]`; return the path of the table it opens."""
        line = self._line()
        repeated = self._text.startswith("[[", self._at)
        self._at += 2 if repeated else 1
        names = self._key()
        self._at += 2 if repeated else 1
        table: KeyPath = ()
        for position, name in enumerate(names, start=1):
            table += (name,)
            self._lines.setdefault(table, line)
            if repeated and position == len(names):
                self._table_counts[table] = self._table_counts.get(table, 0) + 1
            if table in self._table_counts:
                table += (self._table_counts[table] - 1,)
                self._lines.setdefault(table, line)
        return table

    def _pair(self, table: KeyPath) -> None:
        """Read `key = value` within a table."""
        line = self._line()
        path = table
        for name in self._key():
            path += (name,)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _key(self) -> list[str]:
        """Read a dotted key and the blanks around it."""
        names: list[str] = []
        while True:
            self._skip(_BLANK)
            names.append(self._key_part())
            self._skip(_BLANK)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _key_part(self) -> str:
        bare = self._skip(_BARE_KEY)
        if bare:
            return bare
        quoted = self._string()
        # The library knows the escapes; there is no reason to know them twice.
        return str(tomllib.loads(f"key = {quoted}")["key"])

    def _value(self, path: KeyPath) -> None:
        start = self._text[self._at]
        if start == "[":
            self._array(path)
        elif start == "{":
            self._inline_table(path)
        elif start in "\"'":
            self._string()
        else:
            self._skip(_BARE_VALUE)

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        position = 0
        while not self._closed_by("]"):
            element = (*path, position)
            self._lines[element] = self._line()
            self._value(element)
            position += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while not self._closed_by("}"):
            self._pair(path)

    def _closed_by(self, bracket: str) -> bool:
        """Step over blanks and one comma; return whether the bracket came, and step over it."""
        self._skip(_BLANK_LINES)
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip(_BLANK_LINES)
        if not self._text.startswith(bracket, self._at):
            return False
        self._at += 1
        return True

    def _string(self) -> str:
        for pattern in _STRINGS:
            found = self._skip(pattern)
            if found:
                return found
        raise ValueError(f"This is no TOML: line {self._line()}.")

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found.group()

    def _line(self) -> int:
        return bisect_right(self._line_starts, self._at)
