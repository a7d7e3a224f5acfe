"""Telling what is wrong with a text that is no TOML, and which habit it probably comes from."""

import re
import unicodedata
from collections.abc import Callable

from ostiary.kernel.problems import Problem

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_DECLARED_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_QUOTE_MISSED = re.compile(r"Expected (?:\"(\'+)\"|\'(\"+)\')")
_DEFAULT_HINT = "TOML wants `key = value`, or `[table]`, on a line of its own."
_HABITS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(<{7}|={7}|>{7})"), "This is a mark of a merge conflict; resolve it."),
    (
        re.compile(r"^\s*(---|\.\.\.)\s*$"),
        "TOML has no document marks as YAML has: remove the line, and keep one document.",
    ),
    (
        re.compile(r"[\u2018-\u201f\u00ab\u00bb\u2039\u203a]"),
        'Write straight quotes: `"` instead of typographic ones.',
    ),
    (
        re.compile(r"=\s*[-+]?\d[\d_.]*\s*%"),
        "Write the number alone; what it counts is said by the key.",
    ),
    (
        re.compile(r"=\s*[-+]?\d[\d_.]*\s*[A-Za-zµ]+\s*(#.*)?$"),
        "Write the number alone; the unit is said by the key, such as `…_seconds = 300`.",
    ),
    (
        re.compile(r"=\s*(yes|no|on|off|true|false)\b", re.IGNORECASE),
        "Write `true` or `false`, in small letters.",
    ),
    (
        re.compile(r"=\s*(null|none|nil|undefined)\b", re.IGNORECASE),
        "TOML has no empty value: remove the line, and the default holds.",
    ),
    (re.compile(r"=\s*(#.*)?$"), "Write a value after `=`, or remove the line."),
    (
        re.compile(r"^\s*[\w-]+[ \t]+[\w-]+[ \t]*="),
        "A key has no blanks or tabs inside: join its words by `_`.",
    ),
    (
        re.compile(r"^\s*-\s"),
        "This looks like YAML. Write lists as `key = [1, 2]`.",
    ),
    (
        re.compile(r"^\s*[\"']?[\w.-]+[\"']?\s*:"),
        "This looks like YAML. Write `key = value`, and tables as `[table]`.",
    ),
    (re.compile(r"=\s*[A-Za-z/~.@$][^\"']*$"), 'Put text in quotes: `key = "text"`.'),
    (re.compile(r"^\s*\[[^\]]*$"), "Close the table's name: `[table]`."),
    (
        re.compile(r"=\s*(\"[^\"]*|'[^']*)$"),
        "Close the text with the same quote on the same line.",
    ),
    (
        re.compile(r"^[^=]*=.*[^\s].*="),
        "Begin each key on a line of its own.",
    ),
)


def syntax_problem(said: str, text: str, file: str) -> Problem:
    """Return the problem in a message of `tomllib`, which ends with the place.

    What stands in the text is not repeated: it may be a secret.
    """
    place = _PLACE.search(said)
    if place is None:
        # The only messages without a place come from converting a number of thousands of digits.
        message, hint = "This is no TOML: a number is too long.", "Write a number in its bounds."
        return Problem(file, None, None, "toml_syntax", message, hint)
    what = said[: place.start()]
    lines = text.replace("\r\n", "\n").split("\n")
    number, column = place.groups()
    if number is None:
        line, where = text.count("\n") + (not text.endswith("\n")), "at the end"
        opened = _opened(what, lines)
        if opened is not None:
            line, where = opened, "opened here"
    else:
        line, where = int(number), f"at column {column}"
    message = f"This is no TOML: {_shown(what)} ({where})."
    hint = _hint(what, lines, max(1, line))
    return Problem(file, max(1, line), None, "toml_syntax", message, hint)


def _opened(what: str, lines: list[str]) -> int | None:
    """Return the line of a quote that is missed at the end of the text, where it was opened."""
    missed = _QUOTE_MISSED.fullmatch(what)
    if missed is None:
        return None
    quote = missed[1] or missed[2]
    odd = (n for n, line in enumerate(lines, start=1) if line.count(quote) % 2)
    return next(odd, None)


def _shown(what: str) -> str:
    """Return the words of `tomllib`, names without the brackets of Python."""
    twice = _DECLARED_TWICE.fullmatch(what)
    if twice:
        names = re.findall(r"'([^']*)'", twice[1])
        return f"the table `{'.'.join(names)}` stands twice"
    return "a key stands twice" if what == "Cannot overwrite a value" else what


def _hint(what: str, lines: list[str], number: int) -> str:
    if what.startswith(("Cannot declare", "Cannot overwrite", "Cannot mutate", "Duplicate")):
        return _twice(lines, number)
    if "\n".join(lines).lstrip().startswith("{"):
        return "This looks like JSON. Write `[table]` and lines of `key = value`, without braces."
    if _QUOTE_MISSED.fullmatch(what):
        return "Close the text or the key with the same quote, or remove the quote."
    if what.startswith("Unclosed array"):
        return "Close the list by `]`, and write a comma between its elements."
    line = lines[number - 1] if number <= len(lines) else ""
    invisible = _invisible(line)
    if invisible:
        return f"The line holds an invisible character ({invisible}); remove it."
    return next((hint for habit, hint in _HABITS if habit.search(line)), _DEFAULT_HINT)


def _twice(lines: list[str], number: int) -> str:
    """Return where the same name stands before, as far as a look at the text can tell."""
    name = _name(lines[number - 1])
    earlier = next((n for n in range(number - 1, 0, -1) if _name(lines[n - 1]) == name), None)
    if earlier is None:
        # A dotted key makes a table as well, and so does a table within a table.
        begins = _begins_table(name)
        earlier = next((n for n in range(number - 1, 0, -1) if begins(lines[n - 1])), None)
    where = "" if earlier is None else f", before in line {earlier}"
    return f"The same name stands twice{where}: keep one of both, with all that belongs to it."


def _name(line: str) -> str:
    """Return the table or key that a line begins with, without blanks."""
    end = "#" if line.lstrip().startswith("[") else "="
    left = line.partition(end)[0]
    return "".join(left.split())


def _begins_table(name: str) -> Callable[[str], bool]:
    bare = name.strip("[]")
    return lambda line: _name(line).strip("[]").startswith(f"{bare}.") or _name(line) == bare


def _invisible(line: str) -> str | None:
    """Return the name of a character that nobody sees, None where there is none."""
    for character in line:
        if character not in "\t " and unicodedata.category(character) in {
            "Cc",
            "Cf",
            "Zs",
            "Zl",
            "Zp",
        }:
            name = unicodedata.name(character, "control character").lower()
            return f"{name}, U+{ord(character):04X}"
    return None
