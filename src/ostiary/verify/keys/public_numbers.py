"""Whether the numbers of a published key have sizes that can be, before they are made a key.

A key of a million bits, or an exponent as long as the modulus, would make each signature check as
slow as whoever published it likes.
"""

from collections.abc import Mapping

from ostiary.verify.base64url import NotBase64UrlError, decode

_RSA_BITS_MIN, _RSA_BITS_MAX = 2048, 8192
_EXPONENT_BITS_MAX = 32
_CHARACTERS_MAX = 2048


def are_plausible(jwk: Mapping[str, str]) -> bool:
    """Return whether the numbers of a public key are of a plausible size."""
    if any(len(value) > _CHARACTERS_MAX for value in jwk.values()):
        return False
    if jwk["kty"] != "RSA":
        return True
    try:
        modulus, exponent = (int.from_bytes(decode(jwk[name].encode()), "big") for name in "ne")
    except (NotBase64UrlError, UnicodeError):
        return False
    bits = modulus.bit_length()
    return _RSA_BITS_MIN <= bits <= _RSA_BITS_MAX and exponent.bit_length() <= _EXPONENT_BITS_MAX
