"""When a refresh token may be used: once, with two exceptions that no thief gains by.

RFC 9700, section 4.14.2: each use replaces the token, and the use of a replaced one revokes the
family. But an answer can get lost between the service and the client, and then the client has
nothing but the replaced token. Within ten seconds, and only while no successor has been used, it
gets another successor. Both stay valid until one of them is used; then the other counts as
replaced. So when a thief and the client hold one each, the second of them revokes the family.

And a request can wait in a replica that is stopped, while the client asks again elsewhere and goes
on with the successor. Whether it is a reuse is therefore judged for the moment at which the edge
had received it. If the token was good then, the request is refused and nothing is revoked: whoever
sent it did not use what was replaced. That moment is compared with this token's own replacement.
The latest one of the family would not do: then any replaced token, sent just before the client
refreshes again, would go unnoticed.
"""

from collections.abc import Sequence
from enum import Enum, auto

from ostiary.identity.oauth.grants.model import StoredRefreshToken
from ostiary.identity.store.attempt import Attempt

GRACE_SECONDS = 10
"""How long a replaced token may ask once more, in seconds from its first use."""


class Rotation(Enum):
    """What using a refresh token means."""

    FIRST = auto()
    """It has not been used."""
    SECOND_OPINION = auto()
    """Attempt 1 of this request has used it unseen: the successor is replaced."""
    LOST_ANSWER = auto()
    """It has just been used, and nobody has used what came of it."""
    SUPERSEDED = auto()
    """Attempt 2 of this request has used it: nobody waits for this answer any longer."""
    STALE = auto()
    """It was good when the edge had this request, and was replaced while the request waited."""
    REUSE = auto()
    """It was replaced before: either this use or an earlier one is a thief's."""


def judge_rotation(
    token: StoredRefreshToken,
    successors: Sequence[StoredRefreshToken],
    attempt: Attempt,
    *,
    now_ms: int,
) -> Rotation:
    """Return what it means that this attempt uses the token.

    `successors` are the tokens issued for it. `now_ms` is in Unix milliseconds. A second opinion is
    never a reuse.
    """
    own = [other for other in successors if other.issued_by_request == attempt.request_id]
    used = [other for other in successors if other.rotated_ms is not None]
    if own:
        replaceable = attempt.is_second_opinion and not used
        return Rotation.SECOND_OPINION if replaceable else Rotation.SUPERSEDED
    if token.rotated_ms is None:
        return Rotation.FIRST
    if successors and not used and now_ms - token.rotated_ms <= GRACE_SECONDS * 1000:
        return Rotation.LOST_ANSWER
    if attempt.received_ms is not None and _was_good(token, successors, at_ms=attempt.received_ms):
        return Rotation.STALE
    return Rotation.REUSE


def _was_good(
    token: StoredRefreshToken, successors: Sequence[StoredRefreshToken], *, at_ms: int
) -> bool:
    """Return whether a token that has been replaced could still be used at an earlier moment."""
    assert token.rotated_ms is not None  # noqa: S101 - the caller has looked
    if at_ms < token.rotated_ms:
        return True
    unused = all(one.rotated_ms is None or at_ms < one.rotated_ms for one in successors)
    return bool(successors) and unused and at_ms - token.rotated_ms <= GRACE_SECONDS * 1000
