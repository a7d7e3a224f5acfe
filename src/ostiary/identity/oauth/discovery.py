"""What the service says about itself: discovery (OIDC Discovery 1.0, RFC 8414) and its keys."""

import json
from typing import Any

import falcon

from ostiary.identity.clients.model import STANDARD_SCOPES
from ostiary.identity.configuration import IdentitySettings
from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.oauth.authorization.endpoint import AUTHORIZE_PATH
from ostiary.identity.oauth.end_session import END_SESSION_PATH
from ostiary.identity.oauth.protocol.clients import SECRET_METHODS
from ostiary.identity.oauth.protocol.replies import allow_any_origin, answer_preflight

OPENID_PATH = "/.well-known/openid-configuration"
OAUTH_PATH = "/.well-known/oauth-authorization-server"
JWKS_PATH = "/oauth2/jwks"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
USERINFO_PATH = "/oauth2/userinfo"
INTROSPECTION_PATH = "/oauth2/introspect"


def describe_provider(issuer: str, algorithm: Algorithm = Algorithm.ES256) -> dict[str, Any]:
    """Return the metadata of the service at `issuer`: what it does, and nothing that it does not.

    `algorithm` is the one that tokens are signed with now; it comes first. The others are there
    too, for the reason for which keys for them are published: applications read this document once
    and keep it, and would refuse what is signed after a change of algorithm. RS256 has to be among
    them anyway (OIDC Discovery, section 3).
    """
    algorithms = sorted(Algorithm, key=lambda one: one is not algorithm)
    base = issuer.rstrip("/")
    return {
        "issuer": issuer,
        "authorization_endpoint": base + AUTHORIZE_PATH,
        "token_endpoint": base + TOKEN_PATH,
        "userinfo_endpoint": base + USERINFO_PATH,
        "jwks_uri": base + JWKS_PATH,
        "introspection_endpoint": base + INTROSPECTION_PATH,
        "end_session_endpoint": base + END_SESSION_PATH,
        "scopes_supported": list(STANDARD_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [one.value for one in algorithms],
        "token_endpoint_auth_methods_supported": [*SECRET_METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": list(SECRET_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"),
            *("email", "email_verified", "preferred_username", "roles"),
        ],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


class DiscoveryResource:
    """The metadata document. It never changes while a replica lives."""

    def __init__(self, issuer: str, settings: IdentitySettings) -> None:
        algorithm = Algorithm(settings.signing_algorithm)
        self._document = json.dumps(describe_provider(issuer, algorithm)).encode()
        self._cache_control = f"public, max-age={settings.jwks_max_age_seconds}"

    def on_options(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Tell browsers that scripts may read this."""
        answer_preflight(response, "GET")

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Answer the document."""
        _write_public(response, self._document, self._cache_control)

    on_head = on_get


class JwksResource:
    """All published keys: those that sign, and those that will."""

    def __init__(self, ring: KeyRing, *, max_age_seconds: int) -> None:
        self._ring = ring
        self._cache_control = f"public, max-age={max_age_seconds}"

    def on_options(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Tell browsers that scripts may read this."""
        answer_preflight(response, "GET")

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Answer the JWK Set (RFC 7517, section 5)."""
        _write_public(response, self._ring.jwks(), self._cache_control)

    on_head = on_get


def _write_public(response: falcon.Response, document: bytes, cache_control: str) -> None:
    allow_any_origin(response)
    response.set_header("cache-control", cache_control)
    response.content_type = falcon.MEDIA_JSON
    response.data = document
