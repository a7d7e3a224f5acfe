"""Signing tokens with a snapshot's own key."""

import json
from collections.abc import Mapping

from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64encode

from ostiary.identity.http.problems import ProblemError
from ostiary.identity.keys.algorithms import Algorithm, import_key
from ostiary.identity.keys.model import HeldKey
from ostiary.kernel.outcomes import Outcome

_SELF_CHECK = b"ostiary signing key self-check"


class SigningUnavailableError(ProblemError):
    """The replica cannot sign: a server fault, told as 503 so that another one is asked.

    `outcome` says why: `signing_failed` (no key yet, or it does not work), `key_unknown` (the key
    was taken from this snapshot), `bad_signature` (what it signs does not fit what is published).
    """

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(
            503,
            outcome,
            "The login service cannot sign tokens right now.",
            hint="Try again in a moment.",
        )
        self.detail = reason


class Signer:
    """Signs JSON Web Tokens (RFC 7519) with one key. Thread-safe."""

    def __init__(self, held: HeldKey) -> None:
        """Load and try the key. Raises `SigningUnavailableError` when it is of no use."""
        self.kid = held.kid
        self._headers: dict[str, bytes] = {}
        try:
            self._key = import_key(held.algorithm, held.private_jwk)
            public = import_key(held.algorithm, held.public_jwk)
            signature = self._key.sign(_SELF_CHECK)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            # The cause is left out: a library's message about a key may repeat the key.
            reason = f"the key does not load: {type(error).__name__}"
            raise SigningUnavailableError(Outcome.SIGNING_FAILED, reason) from None
        if not public.verifies(_SELF_CHECK, signature):
            reason = "the private key does not fit the published key"
            raise SigningUnavailableError(Outcome.BAD_SIGNATURE, reason)

    @property
    def algorithm(self) -> Algorithm:
        """Return the algorithm of the key."""
        return self._key.algorithm

    def sign(self, token_type: str, claims: Mapping[str, object]) -> str:
        """Return a compact JWS over `claims`; `token_type` is the header `typ`.

        Raises `SigningUnavailableError` when the library fails.
        """
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            return self._serialize(token_type, payload)
        except (JoseError, ValueError) as error:
            reason = f"signing failed: {type(error).__name__}"
            raise SigningUnavailableError(Outcome.SIGNING_FAILED, reason) from None

    def _serialize(self, token_type: str, payload: bytes) -> str:
        """Return the compact JWS (RFC 7515, section 7.1), signed by the key's algorithm.

        The header is the same for all tokens of a type, so it is encoded once.
        """
        signed = self._encoded_header(token_type) + b"." + urlsafe_b64encode(payload)
        signature = urlsafe_b64encode(self._key.sign(signed))
        return (signed + b"." + signature).decode()

    def _encoded_header(self, token_type: str) -> bytes:
        if token_type not in self._headers:
            header = {"alg": self._key.algorithm.value, "kid": self.kid, "typ": token_type}
            text = json.dumps(header, separators=(",", ":"))
            self._headers[token_type] = urlsafe_b64encode(text.encode())
        return self._headers[token_type]
