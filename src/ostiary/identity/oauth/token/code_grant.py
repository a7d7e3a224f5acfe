"""Redeeming an authorization code (RFC 6749, section 4.1.3)."""

from typing import Any, cast

import structlog
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from sqlalchemy import Connection

from ostiary.identity.accounts.model import Account
from ostiary.identity.oauth.grants.model import (
    Family,
    StoredCode,
    StoredRefreshToken,
    hash_token,
)
from ostiary.identity.oauth.grants.redemption import Redemption, judge_redemption
from ostiary.identity.oauth.minting import UserGrant
from ostiary.identity.oauth.protocol.clients import OAuthClient
from ostiary.identity.oauth.protocol.errors import GrantRefusedError, SupersededError
from ostiary.identity.oauth.token.reuse import CODE_REUSED, Reuse, redeemed, revoke_reused
from ostiary.identity.oauth.token.services import ServiceGrant
from ostiary.kernel.ids import new_id
from ostiary.kernel.outcomes import Outcome

_LOG = structlog.get_logger("ostiary.identity.grants")


class CodeRedemption(ServiceGrant, AuthorizationCodeGrant):
    """The token side of Authlib's code grant.

    Everything is checked and signed before anything is written. The write checks once more
    whether the code is unused: between the two, another attempt may have redeemed it.
    """

    def query_authorization_code(self, code: str, client: OAuthClient) -> StoredCode | None:
        """Return a code of this client, used or not, for Authlib, which checks the proof next.

        A code of another client is left alone: whoever stole it must not be able to burn it.
        """
        found = self.services.codes.find(self.request.open_connection, hash_token(code))
        return found if found and found.client_id == client.record.client_id else None

    def authenticate_user(self, authorization_code: StoredCode) -> Account:
        """Return the user whose code it is, if the code may be redeemed now.

        Redirect address and code verifier have been proved before. Otherwise anybody who found a
        used code in a log or a browser's history could have its grant revoked as stolen.
        """
        judgement = judge_redemption(authorization_code, self.request.attempt)
        if judgement is Redemption.REUSE:
            self.request.pending = lambda connection: self._refuse_reuse(
                connection, authorization_code
            )
            raise _reused()
        if judgement is Redemption.STALE:
            raise self._refuse_stale(authorization_code)
        if judgement is Redemption.SUPERSEDED:
            raise SupersededError
        if authorization_code.expires_at <= self.services.now():
            raise GrantRefusedError("The code has expired.", outcome=Outcome.EXPIRED)
        return self.services.require_user(self.request, authorization_code.user_id)

    def generate_token(
        self,
        user: Account | None = None,
        scope: str = "",
        grant_type: str | None = None,  # noqa: ARG002 - as Authlib's
        expires_in: int | None = None,  # noqa: ARG002 - as Authlib's
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """Sign the tokens, and leave what is to be written for later."""
        code: StoredCode = self.request.authorization_code
        family_id = new_id("g", self.services.rng) + self.services.rng.hex(10)
        grant = UserGrant(cast("Account", user), family_id, code.auth_time)
        token = self.services.minter.mint_token_response(self.record, scope, grant)
        if "openid" in scope.split():
            token["id_token"] = self.services.minter.mint_id_token(
                self.record, scope, grant, nonce=code.nonce, access_token=token["access_token"]
            )
        if include_refresh_token:
            token["refresh_token"] = self.services.new_refresh_token()
        refresh_token = token.get("refresh_token")
        self.request.pending = lambda connection: self._redeem(
            connection, code, grant, refresh_token
        )
        return token

    def delete_authorization_code(self, _authorization_code: StoredCode) -> None:
        """Delete nothing: a used code must be known to be used."""

    def _redeem(
        self, connection: Connection, seen: StoredCode, grant: UserGrant, refresh_token: str | None
    ) -> OAuth2Error | None:
        services, attempt = self.services, self.request.attempt
        family_id = grant.family_id
        code = services.codes.find_locked(connection, seen.code_hash)
        if code is None:
            return GrantRefusedError("The code was withdrawn.")
        judgement = judge_redemption(code, attempt)
        if judgement is Redemption.SUPERSEDED:
            return SupersededError()  # type: ignore[no-untyped-call]
        if judgement is Redemption.STALE:
            return self._refuse_stale(code)
        if judgement is Redemption.REUSE:
            return self._refuse_reuse(connection, code)
        if code.family_id is not None:
            # Attempt 1 redeemed it, and nobody saw its tokens.
            services.families.delete(connection, code.family_id)
        now = services.now()
        family = Family(
            id=family_id,
            client_id=code.client_id,
            user_id=code.user_id,
            session_hash=code.session_hash,
            scope=code.scope,
            auth_time=code.auth_time,
        )
        services.families.add(connection, family, minted_by=attempt.minted_by, now=now)
        if refresh_token is not None:
            self._keep_first(connection, family_id, refresh_token, now=now)
        services.codes.mark_consumed(
            connection, code.code_hash, attempt, family_id=family_id, now_ms=services.now_ms()
        )
        services.audit.append(connection, redeemed(grant, family, now=now), attempt)
        return None

    def _keep_first(
        self, connection: Connection, family_id: str, refresh_token: str, *, now: int
    ) -> None:
        services, attempt = self.services, self.request.attempt
        first = StoredRefreshToken(
            token_hash=hash_token(refresh_token),
            family_id=family_id,
            parent_hash=None,
            issued_by_request=attempt.request_id,
            expires_at=now + services.refresh_token_seconds,
        )
        services.refresh_tokens.add(connection, first, minted_by=attempt.minted_by, now=now)

    def _refuse_stale(self, code: StoredCode) -> OAuth2Error:
        _LOG.info("stale request refused", client_id=code.client_id, grant_id=code.family_id)
        return GrantRefusedError("The code was used meanwhile.", outcome=Outcome.EXPIRED)

    def _refuse_reuse(self, connection: Connection, code: StoredCode) -> OAuth2Error:
        if code.family_id is not None:
            revoke_reused(
                connection,
                self.services,
                Reuse(code.family_id, code.user_id, code.client_id, CODE_REUSED),
                self.request.attempt,
            )
        _LOG.warning("code reused", client_id=code.client_id, grant_id=code.family_id)
        return _reused()


def _reused() -> GrantRefusedError:
    return GrantRefusedError("The code has been used before.")
