"""How long the next sign-in for an address has to wait after failures.

Guessing is slowed down, and what it costs the owner is bounded: after ten failures within a
quarter of an hour the address has to wait one second, and twice as long with every further
failure, but never more than half a minute. Attempts that are refused for this reason are not
failures and extend nothing. That leaves a guesser 2,880 guesses a day.

The address counts, not the account, so that the answer does not tell whether there is one; and
not the client's network, since guessing comes from many. The limit of this policy: while somebody
keeps guessing, the owner has to wait as well. Sessions that exist go on.
"""

from ostiary.identity.sessions.failures import FailureRecord

WINDOW_SECONDS = 15 * 60
"""How long a failure counts."""

FREE_FAILURES = 10
"""Failures within the window that cost no wait."""

WAIT_SECONDS_MAX = 30
"""The longest wait after a failure: what a guesser can cost the account's owner."""


def wait_seconds(record: FailureRecord, *, now: int) -> int:
    """Return the seconds until the next attempt is allowed, 0 when it is allowed now."""
    if record.last_at is None or record.count < FREE_FAILURES:
        return 0
    # The exponent is bounded: beyond it the wait has reached its maximum anyway.
    doublings = min(record.count - FREE_FAILURES, WAIT_SECONDS_MAX.bit_length())
    wait = min(1 << doublings, WAIT_SECONDS_MAX)
    # Between 0 and `wait` even where another replica's clock runs ahead of this one.
    return min(wait, max(0, record.last_at + wait - now))
