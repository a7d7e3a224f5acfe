"""Proof Key for Code Exchange (RFC 7636): required of every client, by S256 only.

RFC 9700, section 2.1.1, requires it of public clients and recommends it for all; `plain` protects
from nothing that reads the authorization request. What is always required cannot be downgraded.
"""

import re
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge

from ostiary.identity.oauth.grants.model import StoredCode

# Base64url of a SHA-256: 43 characters (RFC 7636, section 4.2).
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_METHODS = ["S256"]


class S256CodeChallenge(CodeChallenge):
    """Authlib's code challenge without its options."""

    SUPPORTED_CODE_CHALLENGE_METHOD = _METHODS

    def __init__(self) -> None:
        super().__init__(required=True)  # type: ignore[no-untyped-call]

    def validate_code_challenge(self, grant: Any, _redirect_uri: str) -> None:  # noqa: ANN401
        """Refuse an authorization request without an S256 challenge."""
        parameters = grant.request.parameters
        # Without a method the challenge would be `plain` (RFC 7636, section 4.3).
        if parameters.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method must be S256.")
        if not _S256_CHALLENGE.fullmatch(parameters.get("code_challenge", "")):
            raise InvalidRequestError("code_challenge must be the base64url of a SHA-256.")

    def get_authorization_code_challenge_method(self, _code: StoredCode) -> str:
        """Return the one method, for Authlib."""
        return "S256"
