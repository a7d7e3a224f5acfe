"""What a signing key is: public to everybody, held by one snapshot, or waiting for one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.identity.keys.algorithms import Algorithm


class RetiredBecause(StrEnum):
    """Why a key is no longer published."""

    UNUSED = "unused"
    REVOKED = "revoked"
    SNAPSHOT_REVOKED = "snapshot_revoked"
    """With everything else that its snapshot had minted."""


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """A key pair as JSON Web Keys (RFC 7517); `kid` is its thumbprint (RFC 7638)."""

    kid: str
    algorithm: Algorithm
    public_jwk: Mapping[str, str]
    private_jwk: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key that the JWKS shows. Times are Unix seconds.

    `snapshot` is the one that signs with it, None for a next key that waits to be claimed; of a
    snapshot's keys the one of the highest `generation` signs, the others only verify. `genesis`
    marks keys of the store's very first start: no JWKS without them was ever served. `algorithm` is
    a text, because a newer release may publish keys for one that this release does not know.
    `jwks_max_age_seconds` is how long clients may keep a JWKS that `snapshot` serves.
    `last_used_at` is when a replica last noted that it signs with the key.
    """

    kid: str
    algorithm: str
    public_jwk: Mapping[str, str]
    snapshot: str | None
    published_at: int
    genesis: bool
    jwks_max_age_seconds: int | None = None
    generation: int | None = None
    claimed_at: int | None = None
    last_used_at: int | None = None

    @property
    def is_next(self) -> bool:
        """Return whether the key still waits for a snapshot."""
        return self.snapshot is None


@dataclass(frozen=True, slots=True)
class HeldKey:
    """The key that a snapshot signs with."""

    kid: str
    generation: int
    public_jwk: Mapping[str, str]
    private_jwk: Mapping[str, str] = field(repr=False)
    algorithm: str = Algorithm.ES256


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """Everything that may be shown of a key, also of a retired one. Times are Unix seconds."""

    kid: str
    algorithm: str
    snapshot: str | None
    generation: int | None
    state: str
    published_at: int
    claimed_at: int | None
    replaced_at: int | None
    last_used_at: int | None
    retired_at: int | None


def current_key(published: Iterable[PublishedKey], snapshot: str) -> PublishedKey | None:
    """Return the key that a snapshot signs with; None where it holds none."""
    own = [key for key in published if key.snapshot == snapshot]
    return max(own, key=lambda key: key.generation or 0, default=None)
