"""Putting the OAuth and OpenID Connect endpoints on the router."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.clients.model import Client
from ostiary.identity.clients.storage import Clients
from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import Router
from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.resources import mount_keys
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.keys.upkeep import KeyUpkeep
from ostiary.identity.keys.verification import TokenVerifier
from ostiary.identity.mail.writing import Mails
from ostiary.identity.oauth import discovery
from ostiary.identity.oauth.access_tokens import AccessTokens
from ostiary.identity.oauth.audiences import Audiences
from ostiary.identity.oauth.authorization.code_issue import CodeIssuer
from ostiary.identity.oauth.authorization.endpoint import AUTHORIZE_PATH, AuthorizationEndpoint
from ostiary.identity.oauth.end_session import (
    END_SESSION_PATH,
    EndSessionEndpoint,
    SessionEnder,
)
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.grants.housekeeping import GrantHousekeeping
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.identity.oauth.introspection import (
    IntrospectionResource,
    IntrospectionServices,
    TokenIntrospection,
)
from ostiary.identity.oauth.mint_counts import MintCounts
from ostiary.identity.oauth.mint_marks import SECRET_NAME, MintMarks
from ostiary.identity.oauth.minting import Minter
from ostiary.identity.oauth.pkce import S256CodeChallenge
from ostiary.identity.oauth.protocol.server import OAuthServer
from ostiary.identity.oauth.remembered import RememberedGrants
from ostiary.identity.oauth.token.client_credentials_grant import ClientActsForItself
from ostiary.identity.oauth.token.code_grant import CodeRedemption
from ostiary.identity.oauth.token.endpoint import TokenEndpoint
from ostiary.identity.oauth.token.refresh_grant import RefreshTokenRotation
from ostiary.identity.oauth.token.services import TokenServices
from ostiary.identity.oauth.token_holders import TokenHolders
from ostiary.identity.oauth.userinfo import UserinfoEndpoint
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.sealing.server_secrets import read_or_create
from ostiary.identity.store.engine import Store
from ostiary.identity.store.proofs import Proofs
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random


@dataclass(frozen=True, slots=True)
class OAuthParts:
    """What the endpoints are made of."""

    configuration: ReplicaConfiguration
    store: Store
    sealer: Sealer
    clock: Clock
    rng: Random
    current_session: SessionEnder
    admin_token: AdminToken
    mails: Mails
    mint_counts: MintCounts


@dataclass(frozen=True, slots=True)
class OAuthService:
    """Whether the replica can sign, why not, and upkeep that is due every few seconds."""

    ring: KeyRing
    is_ready: Callable[[], bool]
    waiting: Callable[[], Mapping[str, object]]
    look_after_keys: Callable[[], None]
    token_holders: TokenHolders


def mount(router: Router, parts: OAuthParts) -> OAuthService:
    """Claim a signing key and add the routes; raises `StoreUnavailableError`.

    Without a key that is old enough the service starts, and becomes ready when there is one.
    """
    # Authlib logs whole token responses at debug level, whoever turned that on.
    logging.getLogger("authlib").setLevel(logging.INFO)
    claims, ring = _open_ring(parts)
    configuration, settings = parts.configuration, parts.configuration.settings
    snapshot, issuer_url = configuration.snapshot, configuration.issuer
    leeway = settings.leeway_seconds
    verifier = TokenVerifier(ring, parts.clock, issuer=issuer_url, leeway_seconds=leeway)
    clients, grants = _remembering(parts)
    marks = MintMarks(read_or_create(parts.store, parts.sealer, SECRET_NAME, parts.rng))
    tokens = AccessTokens(verifier, marks, parts.mint_counts, ring)
    minter = Minter(configuration, ring, marks, clock=parts.clock, rng=parts.rng)
    server = _build_server(parts, minter, tokens, clients, grants)
    issuer = CodeIssuer(
        parts.store, clock=parts.clock, rng=parts.rng, code_seconds=settings.code_seconds
    )
    authorization = AuthorizationEndpoint(
        server,
        parts.current_session,
        issuer,
        GrantHousekeeping(parts.store, parts.clock),
        clock=parts.clock,
        issuer_url=issuer_url,
        snapshot=snapshot,
    )
    router.add_route(AUTHORIZE_PATH, authorization)
    router.add_route(discovery.TOKEN_PATH, TokenEndpoint(server, snapshot=snapshot))
    router.add_route(discovery.INTROSPECTION_PATH, IntrospectionResource(server, snapshot=snapshot))
    holders = TokenHolders(parts.store, tokens, grants, clients)
    router.add_route(discovery.USERINFO_PATH, UserinfoEndpoint(holders))
    ending = EndSessionEndpoint(server, parts.current_session, verifier)
    router.add_route(END_SESSION_PATH, ending)
    _mount_documents(router, configuration, ring)
    mount_keys(router, ring, claims, parts.admin_token)
    upkeep = KeyUpkeep(ring, claims, parts.clock, rotation_days=settings.key_rotation_days)
    return OAuthService(ring, ring.is_ready, ring.waiting, upkeep.run_once, holders)


def _mount_documents(router: Router, configuration: ReplicaConfiguration, ring: KeyRing) -> None:
    """Add what everybody may read and keep for a while."""
    settings = configuration.settings
    metadata = discovery.DiscoveryResource(configuration.issuer, settings)
    router.add_route(discovery.OPENID_PATH, metadata)
    router.add_route(discovery.OAUTH_PATH, metadata)
    keys = discovery.JwksResource(ring, max_age_seconds=settings.jwks_max_age_seconds)
    router.add_route(discovery.JWKS_PATH, keys)


def _open_ring(parts: OAuthParts) -> tuple[KeyClaims, KeyRing]:
    settings, keys = parts.configuration.settings, SigningKeys(parts.sealer)
    max_age = settings.jwks_max_age_seconds
    claims = KeyClaims(
        parts.store,
        keys,
        parts.clock,
        snapshot=parts.configuration.snapshot,
        jwks_max_age_seconds=max_age,
        algorithm=Algorithm(settings.signing_algorithm),
    )
    ring = KeyRing(parts.store, keys, claims, parts.clock, jwks_max_age_seconds=max_age)
    ring.start()
    return claims, ring


def _remembering(parts: OAuthParts) -> tuple[Clients, RememberedGrants]:
    """Return what goes on for a while when the store is away."""
    seconds = parts.configuration.settings.session_grace_seconds
    proofs: Proofs[Client] = Proofs(parts.clock, seconds=seconds)
    grants = RememberedGrants(parts.clock, grace_seconds=seconds)
    parts.store.on_ended(proofs.forget)
    parts.store.on_ended(grants.forget)
    return Clients(proofs), grants


def _build_server(
    parts: OAuthParts,
    minter: Minter,
    tokens: AccessTokens,
    clients: Clients,
    grants: RememberedGrants,
) -> OAuthServer:
    configuration = parts.configuration
    services = TokenServices(
        accounts=Accounts(),
        minter=minter,
        clock=parts.clock,
        rng=parts.rng,
        mails=parts.mails,
        refresh_token_seconds=configuration.settings.refresh_token_seconds,
    )
    server = OAuthServer(parts.store, clients)
    for grant in (ClientActsForItself, CodeRedemption, RefreshTokenRotation):
        # Authlib makes a grant per request from its class, so the class carries the services.
        bound = type(grant.__name__, (grant,), {"services": services})
        extensions = [S256CodeChallenge()] if grant is CodeRedemption else []
        server.register_grant(bound, extensions)  # type: ignore[no-untyped-call]
    server.register_endpoint(
        TokenIntrospection(
            IntrospectionServices(
                tokens=tokens,
                clock=parts.clock,
                issuer=configuration.issuer,
                audiences=Audiences.of_settings(configuration),
                clients=clients,
                families=Families(),
                grants=grants,
                refresh_tokens=RefreshTokens(),
            )
        )
    )
    return server
