"""Regular expressions over what a release answers.

RE2 takes time in proportion to the text, whatever stands in pattern and text. Python's own engine
may take for ever, and would keep the guard's loop waiting meanwhile: the canary would drain. Its
price is that there are no look-arounds and no back-references (github.com/google/re2/wiki/Syntax).
"""

from typing import Protocol

PATTERN_CHARACTERS_MAX = 1_000


class PatternError(ValueError):
    """A regular expression cannot be used; the message says why, without repeating it."""


class Pattern(Protocol):
    """A compiled regular expression."""

    groups: int

    def search(self, text: str) -> "Match | None":
        """Return where it is found first."""
        ...


class Match(Protocol):
    """Where a regular expression was found."""

    def group(self, number: int) -> str | None:
        """Return the text of a group."""
        ...


def compile_pattern(text: str) -> Pattern:
    """Return the pattern; raises `PatternError`."""
    if not text:
        raise PatternError("it is empty, which is found everywhere")
    if len(text) > PATTERN_CHARACTERS_MAX:
        raise PatternError(f"it has more than {PATTERN_CHARACTERS_MAX} characters")
    # Imported where it is needed: most settings files have no journeys.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        pattern: Pattern = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise PatternError(words.partition(":")[0] or "it cannot be read") from None
    return pattern
