"""Who sends a request: the one module that knows how tokens are checked.

`ostiary.verify` checks them here, with the keys that the issuer publishes. No request goes to the
issuer for it, so people go on ordering while nobody can sign in.
"""

import os
from collections.abc import Mapping

from ostiary.verify import Principal, Reason, TokenRefusedError, Verifier


def verifier(told: Mapping[str, str] = os.environ) -> Verifier:
    """Return what checks tokens, by the variables that Ostiary sets.

    Tokens are for the issuer itself unless `ORDERS_AUDIENCE` says otherwise, as `[identity]
    audience` does.
    """
    issuer, edge = told["OSTIARY_ISSUER"], told["OSTIARY_EDGE"]
    # The public address may not lead here, and the edge's certificate is for the public name.
    keys = f"{edge}/oauth2/jwks" if edge.startswith("http://") else None
    return Verifier(issuer=issuer, audience=told.get("ORDERS_AUDIENCE", issuer), jwks_uri=keys)


class Tokens:
    """Tells whose a request is, from its Authorization header."""

    def __init__(self, verifier: Verifier) -> None:
        """Fetch keys from now on; nobody has to wait for them."""
        self._verifier = verifier
        self._had_keys = False
        verifier.start()

    def had_keys(self) -> bool:
        """Return whether keys have ever been there: until then nobody could be let in.

        Once they were, an issuer that is away says nothing against this process.
        """
        self._had_keys = self._had_keys or self._verifier.is_ready
        return self._had_keys

    def holder(self, authorization: str | None) -> Principal:
        """Return who sent a request.

        Raises `TokenRefusedError`, and `KeysUnavailableError` where nobody can say.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefusedError(Reason.MALFORMED)
        return self._verifier.verify(token.strip())
