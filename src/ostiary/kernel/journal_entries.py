"""What a journal holds, and how its entries are chained."""

import hashlib
from dataclasses import dataclass
from typing import Any

from ostiary.kernel.hashing import canonical_json


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `seq` counts from 1 without gaps, `at` is RFC 3339 in UTC, `kind` a stable word, `subject` the
    id of what it is about, and `data` any JSON object.
    """

    seq: int
    at: str
    kind: str
    subject: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry's place and the hash over everything up to it."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the chain found.

    `whole` says whether every entry is as it was written. Otherwise `first_wrong` is the place of
    the first entry that is not, and `reason` says what is wrong there.
    """

    whole: bool
    entries: int
    first_wrong: int | None = None
    reason: str = ""


def chained(previous: str, content: object) -> str:
    """Return the hash of an entry that follows the one with the hash `previous`."""
    return hashlib.sha256(previous.encode() + canonical_json(content)).hexdigest()
