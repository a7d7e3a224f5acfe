"""The keys that any provider publishes (RFC 7517), and whether one of them has signed a token.

Tolerant where `relying_party.keys` is strict: a key that is for something else, or of a kind that
is not known here, is passed over (RFC 7517, section 5). What counts is that the token verifies.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from ostiary.watch.relying_party.claims import (
    TokenRejectedError,
    decode,
    printable,
    read_header,
    read_object,
)

_Kind = type[ECKey] | type[RSAKey] | type[OKPKey]

_ALGORITHMS: Final[Mapping[str, tuple[str, str | None, _Kind]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512"), ("RSA", None, RSAKey)),
    **dict.fromkeys(("PS256", "PS384", "PS512"), ("RSA", None, RSAKey)),
    "ES256": ("EC", "P-256", ECKey),
    "ES384": ("EC", "P-384", ECKey),
    "ES512": ("EC", "P-521", ECKey),
    "EdDSA": ("OKP", "Ed25519", OKPKey),
    "Ed25519": ("OKP", "Ed25519", OKPKey),
}
"""Type and curve of the key that each algorithm needs; `none` and shared secrets are none of them:
whoever can check a shared secret can sign (OIDC Core, section 16.19)."""

_TRIED_MAX: Final = 10
"""How many keys are tried for a token that names none."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Published keys, as they were published."""

    entries: tuple[Mapping[str, object], ...]

    def verified(self, token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """Return header and claims of a token that one of the keys has signed.

        Raises `TokenRejectedError` where none has, and for what no key could sign.
        """
        header = read_header(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
            raise TokenRejectedError(f"its algorithm is {printable(algorithm)}")
        fitting = self._fitting(algorithm, header.get("kid"))
        if not fitting:
            raise TokenRejectedError("its key is not among the published ones")
        signed, _, signature = token.rpartition(".")
        try:
            content = decode(signature)
        except ValueError:
            raise TokenRejectedError("its signature cannot be read") from None
        if not any(_verifies(each, algorithm, signed.encode(), content) for each in fitting):
            raise TokenRejectedError("its signature fits no published key")
        return header, read_object(token.split(".")[1], "payload")

    def _fitting(self, algorithm: str, kid: object) -> Sequence[Mapping[str, object]]:
        """Return the keys that may have signed: by id where one is named, else all of the kind."""
        kind, curve, _ = _ALGORITHMS[algorithm]
        of_kind = [
            each
            for each in self.entries
            if each.get("kty") == kind
            and curve in {None, each.get("crv")}
            and each.get("use", "sig") == "sig"
            and each.get("alg", algorithm) == algorithm
        ]
        named = [each for each in of_kind if kid is None or each.get("kid") == kid]
        return named[:_TRIED_MAX]


def _verifies(entry: Mapping[str, object], algorithm: str, message: bytes, given: bytes) -> bool:
    _, _, kind = _ALGORITHMS[algorithm]
    values: dict[str, str | list[str]] = {
        name: value for name, value in entry.items() if isinstance(value, str)
    }
    # What it says of weak keys and old names is the provider's business, not a fault of a change.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            key = kind.import_key(values)
            return JWSRegistry.algorithms[algorithm].verify(message, given, key)
        except (JoseError, ValueError, TypeError):
            return False
