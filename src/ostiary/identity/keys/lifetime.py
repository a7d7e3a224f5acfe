"""How long a key signs and stays published: decisions without effects. All times in seconds.

A replica signs with a key only for a while after a use of it was last noted in the store. Every
token therefore expires at a time that the store knows, even of replicas that cannot reach it.
"""

from collections.abc import Sequence

from ostiary.identity.keys.model import PublishedKey

DAY = 86_400
NOTE_SECONDS = 3600
"""A replica that signs notes it this often."""

SIGN_SECONDS_MAX = 13 * NOTE_SECONDS
"""How long a key may sign after a use was last noted: a store that is away costs twelve hours."""

TOKEN_SECONDS_MAX = DAY
"""The longest lifetime that settings or a client can give a token."""

_LEEWAY_SECONDS_MAX = 300
RETIRE_SECONDS = SIGN_SECONDS_MAX + TOKEN_SECONDS_MAX + _LEEWAY_SECONDS_MAX
"""A key that nobody has noted a use of for so long has signed nothing that is still valid."""


def is_due(key: PublishedKey, *, rotation_days: int, now: int) -> bool:
    """Return whether a snapshot's key has signed for its whole term; 0 days mean no term."""
    return rotation_days > 0 and now - (key.claimed_at or now) >= rotation_days * DAY


def may_sign(key: PublishedKey, *, now: int) -> bool:
    """Return whether a use was noted recently enough for tokens to expire before retirement."""
    return now - (key.last_used_at or 0) <= SIGN_SECONDS_MAX


def must_note(key: PublishedKey, *, now: int) -> bool:
    """Return whether a use has to be noted again."""
    return now - (key.last_used_at or 0) >= NOTE_SECONDS


def unused(keys: Sequence[PublishedKey], *, now: int) -> list[PublishedKey]:
    """Return the claimed keys whose tokens have all expired."""
    before = now - RETIRE_SECONDS
    return [key for key in keys if key.last_used_at is not None and key.last_used_at < before]
