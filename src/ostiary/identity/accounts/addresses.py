"""E-mail addresses as names of accounts.

An address is compared by its key: NFKC and case folding make one key of all the ways in which a
person may type the same address. It is kept as written, too, because mail servers may tell cases
apart (RFC 5321, section 2.4).
"""

import unicodedata
from dataclasses import dataclass

from ostiary.kernel.errors import OstiaryError

ADDRESS_LENGTH_MAX = 254
"""Characters; RFC 5321 section 4.5.3.1.3 less the two angle brackets."""

_LOCAL_LENGTH_MAX = 64
_LABEL_LENGTH_MAX = 63
_NEVER_IN_LOCAL = frozenset('"(),:;<>[\\]@')
_ENCODED_WORD = "=?"
_SEPARATOR_CATEGORY = "Z"
_OTHER_CATEGORY = "C"


class InvalidAddressError(OstiaryError):
    """A text that no account can have as its e-mail address."""

    def __init__(self) -> None:
        super().__init__(
            "invalid_request",
            "This is not an e-mail address.",
            hint="Write it like name@example.org.",
        )


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as `written`, and the `key` by which accounts are found."""

    written: str
    key: str


def parse_address(text: str) -> EmailAddress:
    """Return the address in `text`; white space around it is ignored.

    Quoted local parts and address literals are refused: nobody signs in with one, and each is a
    way to hide one address in another. So are what mail programs take for the beginning of an
    encoded word (RFC 2047, section 2), since they would read another address in it. Raises
    `InvalidAddressError`.
    """
    written = text.strip()
    # The raw length bounds the work below: NFKC makes up to 18 characters out of one.
    if not written or len(written) > ADDRESS_LENGTH_MAX:
        raise InvalidAddressError
    key = fold(written)
    local, at, domain = key.rpartition("@")
    if not at or len(key) > ADDRESS_LENGTH_MAX or not _is_local(local) or not _is_domain(domain):
        raise InvalidAddressError
    return EmailAddress(written=written, key=key)


def fold(text: str) -> str:
    """Return the form in which two spellings of one address are equal.

    Case folding can undo normalisation and the other way round, so both run until nothing
    changes (Unicode Standard, section 3.13: NFKC_Casefold is such a closure).
    """
    while True:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        if folded == text:
            return folded
        text = folded


def _is_local(local: str) -> bool:
    if not 1 <= len(local) <= _LOCAL_LENGTH_MAX:
        return False
    if local.startswith(".") or local.endswith(".") or ".." in local or _ENCODED_WORD in local:
        return False
    return not any(character in _NEVER_IN_LOCAL or _is_blank(character) for character in local)


def _is_domain(domain: str) -> bool:
    return all(_is_label(label) for label in domain.split("."))


def _is_label(label: str) -> bool:
    if not 1 <= len(label) <= _LABEL_LENGTH_MAX or label.startswith("-") or label.endswith("-"):
        return False
    # Combining marks belong to letters of many scripts; `isalnum` alone would refuse those.
    return all(
        character == "-" or character.isalnum() or unicodedata.category(character)[0] == "M"
        for character in label
    )


def _is_blank(character: str) -> bool:
    """Return whether a character is space, control, format, surrogate or unassigned."""
    return unicodedata.category(character)[0] in {_SEPARATOR_CATEGORY, _OTHER_CATEGORY}
