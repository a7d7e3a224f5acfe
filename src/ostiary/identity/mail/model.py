"""What a mail is, from its writing to its end."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a mail tells."""

    WELCOME = "welcome"
    ADDRESS_TAKEN = "address_taken"
    GRANT_ENDED = "grant_ended"
    NEW_DEVICE = "new_device"


@dataclass(frozen=True, slots=True)
class Letter:
    """A written mail. `recipient` is an address as its owner wrote it; the rest is plain text."""

    kind: Kind
    recipient: str
    subject: str
    body: str


class DeliveryError(Exception):
    """The mail was not taken. `reason` names no person; `is_final` when trying again is no use."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A mail that one sender has taken for a while.

    `attempts` counts deliveries tried, this one included. `created_at` is in Unix seconds.
    """

    number: int
    operation: str
    request_id: str
    recipient: str
    subject: str
    body: str
    created_at: int
    attempts: int
    claim: str
