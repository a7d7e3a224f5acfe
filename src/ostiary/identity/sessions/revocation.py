"""Ending what applications got through a session."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, update

from ostiary.identity.store.schema import grant_families

SIGNED_OUT = "signed_out"
"""Reason of a revocation: the session ended by the person's own act."""

DISABLED = "disabled"
"""Reason of a revocation: an operator disabled the account."""

SNAPSHOT_REVOKED = "snapshot_revoked"
"""Reason of a revocation: all that a snapshot had minted was taken back."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why and when grants stop being good. `at` is in Unix seconds."""

    at: int
    because: str


def revoke_grants(
    connection: Connection, whose: ColumnElement[bool], revocation: Revocation
) -> None:
    """Revoke the grants that `whose` selects; those revoked before keep their reason."""
    connection.execute(
        update(grant_families)
        .where(whose)
        .where(grant_families.c.revoked_at.is_(None))
        .values(revoked_at=revocation.at, revoked_because=revocation.because)
    )
