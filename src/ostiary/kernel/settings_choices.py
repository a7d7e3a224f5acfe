"""What to say about a value that is none of the words that are allowed."""

import difflib
import re

from ostiary.kernel.problems import dotted
from ostiary.kernel.toml_lines import KeyPath
from ostiary.kernel.toml_values import toml_text

_WORD = re.compile(r"'([^']*)'")


def wrong_choice(path: KeyPath, value: object, expected: str) -> tuple[str, str, str]:
    """Return code, message and hint; `expected` names the words as pydantic does, in quotes."""
    words = _WORD.findall(expected)
    message = f"`{dotted(path)}` is `{toml_text(value)}`"
    near = difflib.get_close_matches(str(value).lower(), words, 1)
    if near:
        return "wrong_value", f"{message}; did you mean `{near[0]}`?", f"Write {_either(words)}."
    return (
        "wrong_value",
        f"{message}; that is none of the words allowed.",
        f"Write {_either(words)}.",
    )


def _either(words: list[str]) -> str:
    """Return the words with "or" before the last."""
    quoted = [f'`"{word}"`' for word in words]
    return " or ".join((", ".join(quoted[:-1]), quoted[-1])) if quoted[1:] else quoted[0]
