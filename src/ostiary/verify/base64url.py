"""Base64url without padding (RFC 7515, section 2), read strictly."""

from binascii import Error as Base64Error
from binascii import a2b_base64


def _alphabet() -> bytes:
    table = bytearray(range(256))
    for forbidden in b"+/=":
        table[forbidden] = ord("!")
    table[ord("-")], table[ord("_")] = ord("+"), ord("/")
    return bytes(table)


_TO_BASE64 = _alphabet()
_LAST: dict[int, frozenset[int]] = {
    0: frozenset(),
    2: frozenset(b"AQgw"),
    3: frozenset(b"AEIMQUYcgkosw048"),
}
"""By the length modulo four: the last characters that leave no bit unused."""


class NotBase64UrlError(ValueError):
    """A text is not the one canonical encoding of any bytes."""


def decode(text: bytes) -> bytes:
    """Return the bytes that a text encodes. Raises `NotBase64UrlError`.

    Only the one canonical text is accepted: no padding, no foreign characters, no unused bits. So
    a token cannot be changed and stay the same token.
    """
    beyond = len(text) % 4
    last = _LAST.get(beyond)
    if last is None or (last and text[-1] not in last):
        raise NotBase64UrlError("not canonical base64url")
    try:
        return a2b_base64(text.translate(_TO_BASE64) + b"=="[: -beyond % 4], strict_mode=True)
    except Base64Error:
        raise NotBase64UrlError("not base64url") from None
