"""The closed list of outcomes that an answer of a guarded service can have.

Identity names one outcome on every response (`x-auth-outcome: <snapshot>/<outcome>`), the edge
counts them and decides by them who is asked again, and the evidence compares them. The list is
closed: what is not in it counts as `other`, a server fault, so that a release cannot hide a
failure behind a word of its own.
"""

from enum import Enum, StrEnum

OUTCOME_HEADER = "x-auth-outcome"
"""Response header with `<snapshot>/<outcome>`; removed at the edge before users see it."""

EDGE_HEADER = "x-ostiary-edge"
"""Request header by which the edge proves to a replica that it is the edge."""

PIN_HEADER = "x-ostiary-pin"
"""Request header by which the guard's own journeys reach the canary through the edge."""

REQUEST_ID_HEADER = "x-request-id"
"""Request header, set anew by the edge: one id for all attempts of one request."""

ATTEMPT_HEADER = "x-envoy-attempt-count"
"""Request header, set by the edge: 1 for the first attempt, 2 for the second opinion."""

RECEIVED_HEADER = "x-ostiary-received"
"""Request header, set by the edge: when it had the whole request, the same for all attempts.

`1767225600.250+12` is Unix seconds at which the request began, and the milliseconds that it took
to arrive.
"""


class OutcomeClass(Enum):
    """What an outcome says about the service."""

    OK = "ok"
    PROTOCOL = "protocol"
    REFUSAL = "refusal"
    FAULT = "fault"


class Outcome(StrEnum):
    """What an answer meant, whatever its HTTP status."""

    OK = "ok"

    # Protocol outcomes: nobody failed; the flow asks for its next step.
    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    USE_DPOP_NONCE = "use_dpop_nonce"
    LOGIN_REQUIRED = "login_required"
    NO_CREDENTIALS = "no_credentials"

    # Refusals: the service says that the user or client is at fault.
    BAD_CREDENTIALS = "bad_credentials"
    UNKNOWN_USER = "unknown_user"
    USER_DISABLED = "user_disabled"
    LOCKED = "locked"
    EXPIRED = "expired"
    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - an outcome, not a secret
    INSUFFICIENT_SCOPE = "insufficient_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    ACCESS_DENIED = "access_denied"
    CSRF_FAILED = "csrf_failed"
    WEAK_PASSWORD = "weak_password"  # noqa: S105 - an outcome, not a secret
    ALREADY_EXISTS = "already_exists"
    SIGN_UP_CLOSED = "sign_up_closed"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_LARGE = "too_large"

    # Server faults: the service itself failed.
    STORE_UNAVAILABLE = "store_unavailable"
    SIGNING_FAILED = "signing_failed"
    KEY_UNKNOWN = "key_unknown"
    BAD_SIGNATURE = "bad_signature"
    OVERLOADED = "overloaded"
    INTERNAL_ERROR = "internal_error"
    OTHER = "other"


_PROTOCOL = frozenset(
    {
        Outcome.AUTHORIZATION_PENDING,
        Outcome.SLOW_DOWN,
        Outcome.USE_DPOP_NONCE,
        Outcome.LOGIN_REQUIRED,
        Outcome.NO_CREDENTIALS,
    }
)
_FAULTS = frozenset(
    {
        Outcome.STORE_UNAVAILABLE,
        Outcome.SIGNING_FAILED,
        Outcome.KEY_UNKNOWN,
        Outcome.BAD_SIGNATURE,
        Outcome.OVERLOADED,
        Outcome.INTERNAL_ERROR,
        Outcome.OTHER,
    }
)


def classify(outcome: Outcome) -> OutcomeClass:
    """Return the class of an outcome; every outcome has exactly one."""
    if outcome is Outcome.OK:
        return OutcomeClass.OK
    if outcome in _PROTOCOL:
        return OutcomeClass.PROTOCOL
    if outcome in _FAULTS:
        return OutcomeClass.FAULT
    return OutcomeClass.REFUSAL


def parse(word: str) -> Outcome:
    """Return the outcome named by `word`, or `OTHER` for a word outside the list."""
    try:
        return Outcome(word)
    except ValueError:
        return Outcome.OTHER


def plainly_good() -> tuple[Outcome, ...]:
    """Return the canary's outcomes that need no second opinion: ok and protocol steps."""
    good = {OutcomeClass.OK, OutcomeClass.PROTOCOL}
    return tuple(outcome for outcome in Outcome if classify(outcome) in good)
