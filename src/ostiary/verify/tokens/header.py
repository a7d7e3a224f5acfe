"""The header of an access token: which key and algorithm it names, and what it must not be."""

from dataclasses import dataclass
from functools import lru_cache

from ostiary.verify.errors import Reason, TokenRefusedError
from ostiary.verify.keys.key_set import KEY_ID_CHARACTERS_MAX
from ostiary.verify.tokens.compact import decode, read_token_object

_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Header:
    """What of a header is used. Keys in it, or addresses of keys, never are (RFC 8725, 3.10)."""

    algorithm: str
    key_id: str | None


@lru_cache(maxsize=_REMEMBERED)
def read_header(part: bytes) -> Header:
    """Return what a header names. Raises `TokenRefusedError`.

    It is the same for all tokens of a key, so the last few are remembered; those that were refused
    are not.
    """
    header = read_token_object(decode(part))
    algorithm, kind, key_id = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(algorithm, str):
        raise TokenRefusedError(Reason.MALFORMED, "no header alg")
    # It keeps one kind of token from passing for another (RFC 9068, section 4; RFC 8725, 3.11).
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise TokenRefusedError(Reason.TYPE, "the header typ is not at+jwt")
    if "kid" in header and not (isinstance(key_id, str) and len(key_id) <= KEY_ID_CHARACTERS_MAX):
        raise TokenRefusedError(Reason.MALFORMED, "a header kid that cannot be")
    # Nothing critical is understood here (RFC 7515, section 4.1.11), and `b64` would be critical.
    if "crit" in header or "b64" in header:
        raise TokenRefusedError(Reason.MALFORMED, "an unknown critical header")
    return Header(algorithm, key_id)
