"""What the audit log says of grants, and what happens when something is used a second time."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary.identity.audit.model import Entry, Operation, application
from ostiary.identity.oauth.grants.model import Family
from ostiary.identity.oauth.minting import UserGrant
from ostiary.identity.oauth.token.services import TokenServices
from ostiary.identity.store.attempt import Attempt

CODE_REUSED = "code_reused"
"""Reason of a revocation: a code was redeemed by two requests."""

REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 - a reason, not a secret
"""Reason of a revocation: a replaced refresh token was used."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """Whose grant ends because a code or refresh token of it was used again, and which."""

    family_id: str
    user_id: str
    client_id: str
    because: str


def redeemed(grant: UserGrant, family: Family, *, now: int) -> Entry:
    """Return the entry of a code that was exchanged for tokens. `now` is in Unix seconds."""
    return Entry(
        Operation.CODE_REDEEMED,
        grant.account.email_key,
        now,
        actor=application(family.client_id),
        probe=grant.account.probe,
        details={"scope": family.scope, "grant_id": family.id},
    )


def revoke_reused(
    connection: Connection, services: TokenServices, reuse: Reuse, attempt: Attempt
) -> None:
    """Revoke a grant, note it, and tell its owner where a refresh token was used again.

    Only the first use too many does so: a grant that is revoked already stays as it is.
    """
    now = services.now()
    if not services.families.revoke(connection, reuse.family_id, because=reuse.because, now=now):
        return
    owner = services.accounts.get(connection, reuse.user_id)
    if owner is None:
        return
    entry = Entry(
        Operation.GRANT_REVOKED,
        owner.email_key,
        now,
        actor=application(reuse.client_id),
        outcome="invalid_grant",
        probe=owner.probe,
        details={"because": reuse.because, "grant_id": reuse.family_id},
    )
    services.audit.append(connection, entry, attempt)
    # A code that comes twice is nearly always a reloaded page, and was good for a minute only.
    if reuse.because == REFRESH_TOKEN_REUSED:
        services.mails.grant_ended(connection, owner, attempt, client_id=reuse.client_id, now=now)
