"""Taking secrets out of text that people will see.

Nothing of Ostiary writes a secret into a log. A foreign driver or a fork's release may, and its
log lines are shown when a replica fails; this is the second line of defence.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

_HIDDEN = "***"
# A scheme of any length would be looked for from every letter of a long line.
_PASSWORD_IN_URL = re.compile(r"([a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s/@]+@", re.IGNORECASE)
_SECRET_CHARACTERS_MIN = 4
_LONG = re.compile(r"[A-Za-z0-9_-]{20,}")
_NAME = re.compile(r"[a-z_]+|[A-Za-z]*(?:Error|Exception)")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without the given secrets and without passwords in URLs."""
    for secret in sorted(secrets, key=len, reverse=True):
        # Replacing very short text would take letters out of every word.
        if len(secret) >= _SECRET_CHARACTERS_MIN:
            text = text.replace(secret, _HIDDEN)
    return _PASSWORD_IN_URL.sub(rf"\1{_HIDDEN}@", text)


def redact_random(text: str, spared: str) -> str:
    """Return `text` without long runs of letters and digits, as secrets, codes and tokens are.

    Names of functions and errors stay, and so does the one run that is `spared`.
    """

    def hidden(found: "re.Match[str]") -> str:
        run = found[0]
        return run if run == spared or _NAME.fullmatch(run) else _HIDDEN

    return _LONG.sub(hidden, text)


def passwords_in(url: str) -> set[str]:
    """Return the password in a URL, as it is written there and decoded; none where none is."""
    try:
        written = urlsplit(url).password
    except ValueError:
        return set()
    return {written, unquote(written)} if written else set()


def read_secret(path: Path) -> str:
    """Return the secret in a file, nothing where it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
