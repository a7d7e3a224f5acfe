"""What the audit log says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Operation(StrEnum):
    """What was done. A request causes at most one entry of each."""

    SIGN_IN = "sign_in"
    SIGN_UP = "sign_up"
    SIGN_OUT = "sign_out"
    CODE_REDEEMED = "code_redeemed"
    GRANT_REVOKED = "grant_revoked"
    USER_ADDED = "user_added"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_DELETED = "user_deleted"
    CLIENT_ADDED = "client_added"
    CLIENT_DELETED = "client_deleted"
    KEY_CLAIMED = "key_claimed"
    KEY_RETIRED = "key_retired"
    SNAPSHOT_REVOKED = "snapshot_revoked"
    MAIL_GIVEN_UP = "mail_given_up"


PERSON = "person"
"""Actor: whoever uses the browser."""

OPERATOR = "operator"
"""Actor: the holder of the admin token."""

SERVICE = "service"
"""Actor: the login service itself."""

Detail = str | int | bool | None
"""What a detail may be: never a secret."""


def application(client_id: str) -> str:
    """Return the actor's name of an application."""
    return f"client:{client_id}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `subject` is what it happened to: an account's folded address, a client's id, a key's id.
    `outcome` is one of `kernel.outcomes`. `at` is in Unix seconds. `probe` marks what the guard's
    own journeys do. `details` hold no secret.
    """

    operation: Operation
    subject: str
    at: int
    actor: str = PERSON
    outcome: str = "ok"
    probe: bool = False
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as the log holds it: with the request that caused it, and its place in the log.

    `operation` is text: a newer release may write what this one has no name for.
    """

    number: int
    operation: str
    subject: str
    at: int
    actor: str
    outcome: str
    probe: bool
    details: Mapping[str, Detail]
    request_id: str
    client_address: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are asked for. `since` is in Unix seconds; empty and None mean all."""

    subject: str | None = None
    since: int = 0
    before_number: int | None = None
    limit: int = 100
    include_probes: bool = False
