"""Finding the token of a request: in the Authorization header, and nowhere else (RFC 6750, 2.1)."""

from collections.abc import Sequence

from ostiary.verify.errors import Reason, TokenRefusedError

_SCHEME = b"bearer"


def read_bearer(values: Sequence[bytes]) -> bytes | None:
    """Return the token in the values of all Authorization headers, or None where there is none.

    Another scheme is none. Raises `TokenRefusedError` where it is not clear which token is meant.
    """
    if not values:
        return None
    if len(values) > 1:
        raise TokenRefusedError(Reason.MALFORMED, "several Authorization headers")
    scheme, _, token = values[0].strip().partition(b" ")
    if scheme.lower() != _SCHEME:
        return None
    token = token.strip()
    if not token:
        raise TokenRefusedError(Reason.MALFORMED, "no token after Bearer")
    return token
