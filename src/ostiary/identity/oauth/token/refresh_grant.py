"""Refreshing (RFC 6749, section 6) with rotation (RFC 9700, section 4.14.2)."""

from dataclasses import dataclass
from typing import Any

import structlog
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant
from sqlalchemy import Connection

from ostiary.identity.accounts.model import Account
from ostiary.identity.oauth.grants.model import Family, StoredRefreshToken, hash_token
from ostiary.identity.oauth.grants.rotation import Rotation, judge_rotation
from ostiary.identity.oauth.minting import UserGrant
from ostiary.identity.oauth.protocol.clients import OAuthClient
from ostiary.identity.oauth.protocol.errors import GrantRefusedError, SupersededError
from ostiary.identity.oauth.token.reuse import REFRESH_TOKEN_REUSED, Reuse, revoke_reused
from ostiary.identity.oauth.token.services import ServiceGrant
from ostiary.kernel.outcomes import Outcome

_LOG = structlog.get_logger("ostiary.identity.grants")


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A refresh token with its family, answering Authlib's questions."""

    token: StoredRefreshToken
    family: Family

    def check_client(self, client: OAuthClient) -> bool:
        """Return whether the token was issued to that client."""
        return self.family.client_id == client.record.client_id

    def get_scope(self) -> str:
        """Return the scope that was granted."""
        return self.family.scope


class RefreshTokenRotation(ServiceGrant, RefreshTokenGrant):
    """Authlib's refresh grant. As with codes, the write checks again what the read saw."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> PresentedToken | None:
        """Return the token if the store knows it, for Authlib, which checks the client next."""
        connection = self.request.open_connection
        token = self.services.refresh_tokens.find(connection, hash_token(refresh_token))
        if token is None:
            return None
        family = self.services.families.find(connection, token.family_id)
        return None if family is None else PresentedToken(token, family)

    def authenticate_user(self, refresh_token: PresentedToken) -> Account:
        """Return the user of the token, if it may be used now."""
        token, family = refresh_token.token, refresh_token.family
        if family.is_revoked:
            raise GrantRefusedError("The grant was revoked.")
        if token.expires_at <= self.services.now():
            raise GrantRefusedError("The refresh token has expired.", outcome=Outcome.EXPIRED)
        judgement = self._judge(self.request.open_connection, token)
        if judgement is Rotation.REUSE:
            self.request.pending = lambda connection: self._refuse_reuse(connection, family)
            raise _reused()
        if judgement is Rotation.STALE:
            raise self._refuse_stale(family)
        if judgement is Rotation.SUPERSEDED:
            raise SupersededError
        return self.services.require_user(self.request, family.user_id)

    def issue_token(self, user: Account, refresh_token: PresentedToken) -> dict[str, Any]:
        """Sign the tokens, and leave what is to be written for later."""
        family = refresh_token.family
        scope = self.request.parameters.get("scope") or family.scope
        grant = UserGrant(user, family.id, family.auth_time)
        token = self.services.minter.mint_token_response(self.record, scope, grant)
        if "openid" in scope.split():
            # No nonce: it belongs to the authentication, not to its refreshes (OIDC Core, 12.2).
            token["id_token"] = self.services.minter.mint_id_token(
                self.record, scope, grant, nonce=None, access_token=token["access_token"]
            )
        token["refresh_token"] = successor = self.services.new_refresh_token()
        self.request.pending = lambda connection: self._rotate(connection, refresh_token, successor)
        return token

    def revoke_old_credential(self, _refresh_token: PresentedToken) -> None:
        """Revoke nothing here: the pending write does."""

    def _rotate(
        self, connection: Connection, seen: PresentedToken, successor: str
    ) -> OAuth2Error | None:
        services, attempt = self.services, self.request.attempt
        family = services.families.find_locked(connection, seen.family.id)
        token = services.refresh_tokens.find(connection, seen.token.token_hash)
        if family is None or token is None or family.is_revoked:
            return GrantRefusedError("The grant was revoked.")
        judgement = self._judge(connection, token)
        if judgement is Rotation.SUPERSEDED:
            return SupersededError()  # type: ignore[no-untyped-call]
        if judgement is Rotation.STALE:
            return self._refuse_stale(family)
        if judgement is Rotation.REUSE:
            return self._refuse_reuse(connection, family)
        now = services.now()
        if judgement is Rotation.FIRST:
            services.refresh_tokens.mark_rotated(
                connection, token, request_id=attempt.request_id, now_ms=services.now_ms()
            )
        if judgement is Rotation.SECOND_OPINION:
            services.refresh_tokens.delete_issued_by(connection, attempt.request_id)
        services.refresh_tokens.add(
            connection,
            StoredRefreshToken(
                token_hash=hash_token(successor),
                family_id=family.id,
                parent_hash=token.token_hash,
                issued_by_request=attempt.request_id,
                expires_at=now + services.refresh_token_seconds,
            ),
            minted_by=attempt.minted_by,
            now=now,
        )
        return None

    def _judge(self, connection: Connection, token: StoredRefreshToken) -> Rotation:
        successors = []
        if token.rotated_ms is not None:
            successors = self.services.refresh_tokens.list_successors(connection, token.token_hash)
        now_ms = self.services.now_ms()
        return judge_rotation(token, successors, self.request.attempt, now_ms=now_ms)

    def _refuse_stale(self, family: Family) -> OAuth2Error:
        _LOG.info("stale request refused", client_id=family.client_id, grant_id=family.id)
        # No fault of the service, which a client would answer by sending the same token again: that
        # would be a reuse.
        return GrantRefusedError(
            "The refresh token was replaced meanwhile.", outcome=Outcome.EXPIRED
        )

    def _refuse_reuse(self, connection: Connection, family: Family) -> OAuth2Error:
        revoke_reused(
            connection,
            self.services,
            Reuse(family.id, family.user_id, family.client_id, REFRESH_TOKEN_REUSED),
            self.request.attempt,
        )
        _LOG.warning("refresh token reused", client_id=family.client_id, grant_id=family.id)
        return _reused()


def _reused() -> GrantRefusedError:
    return GrantRefusedError("The refresh token has been used before.")
