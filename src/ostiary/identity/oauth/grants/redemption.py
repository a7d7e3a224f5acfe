"""When a code may be redeemed: once, whoever asks first, and safely asked twice.

RFC 6749, section 4.1.2: a code that is used a second time is refused, and what it was redeemed
for is revoked, since one of the two users is a thief. The edge's second opinion is no second use:
nobody has seen the answer to attempt 1.
"""

from enum import Enum, auto

from ostiary.identity.oauth.grants.model import StoredCode
from ostiary.identity.store.attempt import Attempt


class Redemption(Enum):
    """What redeeming a code means."""

    FIRST = auto()
    """Nobody has redeemed it, or attempt 1 died before it could commit."""
    SECOND_OPINION = auto()
    """Attempt 1 of this request has redeemed it unseen: its tokens are replaced."""
    SUPERSEDED = auto()
    """Attempt 2 of this request has redeemed it: nobody waits for this answer any longer."""
    REUSE = auto()
    """Another request has redeemed it."""


def judge_redemption(code: StoredCode, attempt: Attempt) -> Redemption:
    """Return what it means that this attempt redeems the code."""
    if code.consumed_by_request is None:
        return Redemption.FIRST
    if code.consumed_by_request != attempt.request_id:
        return Redemption.REUSE
    return Redemption.SECOND_OPINION if attempt.is_second_opinion else Redemption.SUPERSEDED
