"""Keeping secrets out of what is told of an answer, wherever the answer repeats them."""

import html
import json
import re
from urllib.parse import quote, quote_plus

HIDDEN = "…"
_SHOWN_CHARACTERS_MAX = 160
_LOOKED_AT_CHARACTERS_MAX = 64 * 1024
"""So far beyond what is shown that a secret cut here is cut again."""
_TOKEN = re.compile(r"[A-Za-z0-9_\-.~+/=]{20,}")
"""As long as no word; what has a digit or a capital besides is taken for a token."""


class Redactor:
    """Knows the secrets of one run, and shows texts without them."""

    def __init__(self) -> None:
        """Start without secrets."""
        self._secrets: set[str] = set()

    def add(self, secret: str) -> None:
        """Remember a secret, in each form that an answer may repeat it in."""
        if secret:
            escaped = json.dumps(secret)[1:-1]
            forms = {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
            self._secrets |= forms | {escaped, escaped.replace("/", "\\/")}

    def shown(self, text: str) -> str:
        """Return a text on one line, shortened, without secrets and without what looks like one.

        A release that answers what it should not may hand out a token that nobody expected.
        """
        text = text[:_LOOKED_AT_CHARACTERS_MAX]
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = _TOKEN.sub(_hidden_token, text)
        line = "".join(each if each.isprintable() else " " for each in text)
        line = " ".join(line.split())
        return line if len(line) <= _SHOWN_CHARACTERS_MAX else line[:_SHOWN_CHARACTERS_MAX] + HIDDEN


def _hidden_token(found: re.Match[str]) -> str:
    word = found[0]
    return HIDDEN if word.lower() != word or any(each.isdigit() for each in word) else word
