"""What a signing key is: public to everybody, held by one snapshot, or waiting for one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ALGORITHM = "ES256"
"""The one signature algorithm: ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4)."""


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A key pair as JSON Web Keys (RFC 7517); `kid` is its thumbprint (RFC 7638)."""

    kid: str
    public_jwk: Mapping[str, str]
    private_jwk: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that the JWKS shows. Times are Unix seconds.

    `snapshot` is the one that signs with it, None for a next key that waits to be claimed.
    `genesis` marks keys of the store's very first start: no JWKS without them was ever served.
    `jwks_max_age_seconds` is how long clients may keep a JWKS that `snapshot` serves.
    """

    kid: str
    algorithm: str
    public_jwk: Mapping[str, str]
    snapshot: str | None
    published_at: int
    genesis: bool
    jwks_max_age_seconds: int | None = None

    @property
    def is_next(self) -> bool:
        """Return whether the key still waits for a snapshot that can use it."""
        return self.snapshot is None and self.algorithm == ALGORITHM


@dataclass(frozen=True, slots=True)
class HeldKey:
    """The key that a snapshot signs with; `retired` once it has been taken from it."""

    kid: str
    public_jwk: Mapping[str, str]
    retired: bool
    private_jwk: Mapping[str, str] = field(repr=False)
