"""When a code may be redeemed: once, whoever asks first, and safely asked twice.

RFC 6749, section 4.1.2: a code that is used a second time is refused, and what it was redeemed
for is revoked, since one of the two users is a thief. The edge's second opinion is no second use:
nobody has seen the answer to attempt 1. Nor is a request that the edge had received before the code
was used, and that waited in a replica meanwhile: it is refused, and revokes nothing.
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
    STALE = auto()
    """Another request has redeemed it while this one waited in a replica."""
    REUSE = auto()
    """Another request has redeemed it before this one came."""


def judge_redemption(code: StoredCode, attempt: Attempt) -> Redemption:
    """Return what it means that this attempt redeems the code."""
    if code.consumed_by_request is None:
        return Redemption.FIRST
    if code.consumed_by_request != attempt.request_id:
        return Redemption.STALE if _came_before_its_use(code, attempt) else Redemption.REUSE
    return Redemption.SECOND_OPINION if attempt.is_second_opinion else Redemption.SUPERSEDED


def _came_before_its_use(code: StoredCode, attempt: Attempt) -> bool:
    received, consumed = attempt.received_ms, code.consumed_ms
    return received is not None and consumed is not None and received < consumed
