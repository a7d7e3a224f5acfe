"""Which passwords a person may choose: long enough, and not one of the commonest.

There are no rules on kinds of characters and no expiry, after NIST SP 800-63B section 5.1.1.2:
they make passwords worse.
"""

import unicodedata
from functools import cache
from importlib import resources

from ostiary.kernel.errors import OstiaryError

CHARACTERS_MIN = 8
BYTES_MAX = 1024


class WeakPasswordError(OstiaryError):
    """A password that nobody may choose."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__("weak_password", message, hint=hint)


def require_acceptable(password: str, *, email_key: str) -> None:
    """Return when the password may be used for this account; raise `WeakPasswordError` if not."""
    normalised = "" if is_too_long(password) else unicodedata.normalize("NFKC", password)
    if is_too_long(password) or len(_encoded(normalised)) > BYTES_MAX:
        raise WeakPasswordError(
            f"This password is longer than {BYTES_MAX} bytes.", "Choose a shorter one."
        )
    if len(normalised) < CHARACTERS_MIN:
        raise WeakPasswordError(
            f"This password is shorter than {CHARACTERS_MIN} characters.",
            "A few unrelated words in a row are easy to remember and hard to guess.",
        )
    folded = normalised.casefold()
    if folded in _commonest():
        raise WeakPasswordError(
            "This password is among the first that an attacker tries.",
            "Choose one that nobody else would think of.",
        )
    if folded == email_key:
        raise WeakPasswordError(
            "This password is the e-mail address itself.", "Choose something else."
        )


def is_too_long(password: str) -> bool:
    """Return whether a text is too long for any password, before work is spent on it.

    The time of normalisation grows with the square of a run of combining marks: a form full of
    them would hold the interpreter's lock for seconds. Counting characters costs nothing.
    """
    return len(password) > BYTES_MAX


def _encoded(normalised: str) -> bytes:
    try:
        return normalised.encode()
    except UnicodeEncodeError:
        raise WeakPasswordError(
            "This password holds characters that are no text.", "Choose another one."
        ) from None


@cache
def _commonest() -> frozenset[str]:
    text = (resources.files("ostiary.identity.passwords") / "commonest.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
