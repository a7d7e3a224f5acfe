"""What the service's tokens say: access tokens (RFC 9068) and id tokens (OIDC Core, section 2)."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from ostiary.identity.accounts.model import Account
from ostiary.identity.clients.model import Client
from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.keys.verification import TokenType
from ostiary.identity.oauth.audiences import Audiences
from ostiary.identity.oauth.mint_marks import MintMarks
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.ids import Random

GRANT_ID_CLAIM = "grant_id"
"""Private claim of access tokens: the family they descend from, by which they can be revoked."""

_JTI_BYTES = 16


@dataclass(frozen=True, slots=True)
class UserGrant:
    """On whose behalf a token is minted. `auth_time` is when they proved it, in Unix seconds."""

    account: Account
    family_id: str
    auth_time: int


def user_claims(account: Account, scopes: frozenset[str]) -> dict[str, Any]:
    """Return what a scope lets a client know about a user (OIDC Core, section 5.4)."""
    claims: dict[str, Any] = {"sub": account.id}
    if "email" in scopes:
        # Nobody has proved that the address is theirs; saying so keeps clients from relying on it.
        claims |= {"email": account.email, "email_verified": False}
    if "profile" in scopes:
        claims |= {"preferred_username": account.email, "roles": list(account.roles)}
    return claims


def access_token_hash(access_token: str, algorithm: Algorithm) -> str:
    """Return `at_hash`, which binds an id token to its access token (OIDC Core, 3.1.3.6).

    The hash is that of the algorithm which signs the id token.
    """
    digest = algorithm.digest(access_token.encode())
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


class Minter:
    """Mints the tokens of one snapshot. Thread-safe."""

    def __init__(
        self,
        configuration: ReplicaConfiguration,
        ring: KeyRing,
        marks: MintMarks,
        *,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._issuer = configuration.issuer
        self._audiences = Audiences.of_settings(configuration)
        self._settings = configuration.settings
        self._snapshot = configuration.snapshot
        self._marks = marks
        self._ring = ring
        self._clock = clock
        self._rng = rng

    def mint_token_response(
        self, client: Client, scope: str, grant: UserGrant | None
    ) -> dict[str, Any]:
        """Return a token response (RFC 6749, section 5.1) without refresh and id token.

        `grant` is None where the client acts for itself. Raises `SigningUnavailableError`.
        """
        now = to_unix(self._clock.now())
        lifetime = client.access_token_seconds or self._settings.access_token_seconds
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audiences.of(client),
            "sub": client.client_id,
            "client_id": client.client_id,
            "iat": now,
            "exp": now + lifetime,
            "scope": scope,
            "roles": [],
        }
        if grant is not None:
            claims |= {
                "sub": grant.account.id,
                "roles": list(grant.account.roles),
                "auth_time": grant.auth_time,
                GRANT_ID_CLAIM: grant.family_id,
            }
        random_id = self._rng.token(_JTI_BYTES)
        claims["jti"] = self._marks.token_id(random_id, claims["sub"], self._snapshot)
        return {
            "access_token": self._ring.signer().sign(TokenType.ACCESS, claims),
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": scope,
        }

    def mint_id_token(
        self, client: Client, scope: str, grant: UserGrant, *, nonce: str | None, access_token: str
    ) -> str:
        """Return an id token for the client. Raises `SigningUnavailableError`."""
        now, signer = to_unix(self._clock.now()), self._ring.signer()
        claims = {
            **user_claims(grant.account, frozenset(scope.split())),
            "iss": self._issuer,
            "aud": client.client_id,
            "iat": now,
            "exp": now + self._settings.id_token_seconds,
            "auth_time": grant.auth_time,
            "at_hash": access_token_hash(access_token, signer.algorithm),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return signer.sign(TokenType.ID, claims)
