"""Whether the session that a browser has is good enough for what a client asks (OIDC Core, 3.1.2).

There is no consent page: only operators register clients, so every client is first-party, and
registering it is the consent.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ostiary.identity.oauth.protocol.errors import SimpleError
from ostiary.identity.sessions.model import Session

REAUTHENTICATION = "reauthentication_of"
"""Own parameter, added to the address to which the sign-in page returns: the session that must
have been replaced by then. Without it, `prompt=login` would ask for the password for ever."""

_ASKING_PROMPTS = frozenset({"login", "select_account"})
_NOBODY = "nobody"
_FINGERPRINT_CHARACTERS = 16
_MAX_AGE_DIGITS_MAX = 10


@dataclass(frozen=True, slots=True)
class LoginDemand:
    """What an authorization request asks of the login. `max_age_seconds` is None without limit.

    `replaced` is the fingerprint of the session that must not be used again.
    """

    prompts: frozenset[str]
    max_age_seconds: int | None
    replaced: str | None


class LoginDecision(Enum):
    """What to do with an authorization request."""

    PROCEED = auto()
    SIGN_IN = auto()
    REFUSE = auto()


def read_demand(parameters: Mapping[str, str]) -> LoginDemand:
    """Return what the request asks. Raises `SimpleError` where it contradicts itself."""
    prompts = frozenset(parameters.get("prompt", "").split())
    if "none" in prompts and len(prompts) > 1:
        raise SimpleError("invalid_request", "prompt=none allows no other value beside it.")
    max_age = parameters.get("max_age")
    if max_age and not (max_age.isascii() and max_age.isdigit()):
        raise SimpleError("invalid_request", "max_age must be a number of seconds.")
    if max_age and len(max_age) > _MAX_AGE_DIGITS_MAX:
        max_age = None  # Centuries: no limit.
    return LoginDemand(
        prompts=prompts,
        max_age_seconds=int(max_age) if max_age else None,
        replaced=parameters.get(REAUTHENTICATION),
    )


def decide_login(demand: LoginDemand, session: Session | None, *, now: int) -> LoginDecision:
    """Return whether the session serves the request. `now` is in Unix seconds.

    The marker that a session was replaced is not signed. Whoever sits at the browser could just
    as well take `prompt` out of the address; a client that must be sure compares `auth_time`.
    """
    if session is not None and not _is_stale(demand, session, now=now):
        return LoginDecision.PROCEED
    return LoginDecision.REFUSE if "none" in demand.prompts else LoginDecision.SIGN_IN


def fingerprint(session: Session | None) -> str:
    """Return what names a session in an address without giving anything away."""
    if session is None:
        return _NOBODY
    digest = hashlib.sha256(session.session_hash.encode()).hexdigest()
    return digest[:_FINGERPRINT_CHARACTERS]


def _is_stale(demand: LoginDemand, session: Session, *, now: int) -> bool:
    asks = bool(_ASKING_PROMPTS & demand.prompts) or demand.max_age_seconds == 0
    if asks:
        return demand.replaced is None or demand.replaced == fingerprint(session)
    if demand.max_age_seconds is None:
        return False
    return now - session.created_at > demand.max_age_seconds
