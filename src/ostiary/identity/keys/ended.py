"""Keys that are taken away with all that their snapshot has minted.

The process that held one never signs again: what it runs has minted wrongly. A process that is
started anew for the same snapshot takes another key, since somebody has decided to try it again.
"""

from sqlalchemy import Connection, select, update

from ostiary.identity.keys.model import RetiredBecause
from ostiary.identity.store.schema import signing_keys


def end_keys_of(connection: Connection, snapshot: str, *, now: int) -> int:
    """Take every published key of a snapshot out of the JWKS, and return how many.

    Their private parts are erased. Call it after `SigningKeys.exclude_others` only. `now` is in
    Unix seconds.
    """
    ended = connection.execute(
        update(signing_keys)
        .where(signing_keys.c.snapshot == snapshot, signing_keys.c.retired_at.is_(None))
        .values(
            retired_at=now,
            retired_because=RetiredBecause.SNAPSHOT_REVOKED.value,
            private_jwk_sealed=None,
        )
    )
    return ended.rowcount


def ended_with_its_snapshot(connection: Connection, kid: str) -> bool:
    """Return whether the key of that id was taken away with all that its snapshot had minted."""
    because = select(signing_keys.c.retired_because).where(signing_keys.c.kid == kid)
    return connection.execute(because).scalar() == RetiredBecause.SNAPSHOT_REVOKED
