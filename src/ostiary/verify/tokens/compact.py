"""Taking compact JWS texts apart (RFC 7515, section 7.1), before anything is believed."""

from typing import Any

from ostiary.verify.base64url import NotBase64UrlError
from ostiary.verify.base64url import decode as decode_base64url
from ostiary.verify.errors import Reason, TokenRefusedError
from ostiary.verify.json_objects import NotJsonError, read_object

_PARTS = 3


def split(token: bytes) -> tuple[bytes, bytes, bytes]:
    """Return header, payload and signature, still encoded. Raises `TokenRefusedError`.

    An encrypted token (JWE) has five parts. Nothing here can open one.
    """
    parts = token.split(b".", _PARTS)
    if len(parts) != _PARTS:
        raise TokenRefusedError(Reason.MALFORMED, "not three parts")
    return parts[0], parts[1], parts[2]


def decode(part: bytes) -> bytes:
    """Return the bytes of a part. Raises `TokenRefusedError`."""
    try:
        return decode_base64url(part)
    except NotBase64UrlError as error:
        raise TokenRefusedError(Reason.MALFORMED, str(error)) from None


def read_token_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in a part that was decoded. Raises `TokenRefusedError`."""
    try:
        return read_object(content)
    except NotJsonError as error:
        raise TokenRefusedError(Reason.MALFORMED, str(error)) from None
