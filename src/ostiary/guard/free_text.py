"""What operators write in their own words: bounded, on one line, and harmless in a terminal."""

import unicodedata

from ostiary.kernel.errors import UsageError

TEXT_MAX = 2000
"""Characters."""

_REFUSED = {"Cc", "Cs", "Zl", "Zp"}
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They show a text in another order than it was written in."""


def read_text(value: object, name: str) -> str:
    """Return the text without blanks around it; empty for None.

    `name` is what it is called in messages. Raises `UsageError` for what is no text, too long, or
    holds characters that could steer a terminal or hide what was written.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError("text_malformed", f"The {name} is no text.")
    text = value.strip()
    if len(text) > TEXT_MAX:
        raise UsageError(
            "text_too_long",
            f"The {name} has {len(text)} characters; there is room for {TEXT_MAX}.",
            hint="Write the gist, and where the rest can be read.",
        )
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in _REFUSED or character in _DIRECTIONS:
            raise UsageError(
                "text_with_control_character",
                f"The {name} holds the control character U+{ord(character):04X} at "
                f"position {position}.",
                hint="Write plain text on one line.",
            )
    return text
