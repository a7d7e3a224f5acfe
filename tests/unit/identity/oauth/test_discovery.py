"""Discovery and JWKS: true, cacheable, and readable by scripts of any origin."""

import base64
import hashlib
from pathlib import Path

import pytest

from ostiary.identity.keys.pool import NEXT_KEYS
from tests.identity_app import IdentityService, build_identity, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, bearer, decoded

PUBLIC_PATHS = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
]


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_public_documents_can_be_cached_and_read_by_anybody(
    service: IdentityService, path: str
) -> None:
    answer = service.edge().get(path)
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert service.edge().request("HEAD", path).status_code == 200


def test_the_issuer_is_exactly_the_configured_one(service: IdentityService) -> None:
    document = service.edge().get(PUBLIC_PATHS[0]).json
    assert document["issuer"] == "http://login.example"


def test_every_endpoint_named_is_served(service: IdentityService) -> None:
    document = service.edge().get(PUBLIC_PATHS[0]).json
    named = {key: value for key, value in document.items() if key.endswith(("endpoint", "_uri"))}
    assert len(named) == 6
    for address in named.values():
        path = address.removeprefix("http://login.example")
        for method in ("GET", "POST"):
            answer = service.edge().request(method, path)
            assert answer.status_code != 404, path


@pytest.mark.parametrize(
    ("algorithm", "listed"),
    [
        ("ES256", ["ES256", "RS256", "EdDSA"]),
        ("RS256", ["RS256", "ES256", "EdDSA"]),
        ("EdDSA", ["EdDSA", "ES256", "RS256"]),
    ],
)
def test_every_algorithm_that_may_come_is_listed_and_the_present_one_first(
    tmp_path: Path, algorithm: str, listed: list[str]
) -> None:
    built = build_identity(tmp_path, signing_algorithm=algorithm)
    document = built.edge().get(PUBLIC_PATHS[0]).json
    assert document["id_token_signing_alg_values_supported"] == listed
    built.close()


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_a_whole_login_works_with_every_algorithm(tmp_path: Path, algorithm: str) -> None:
    built = build_identity(tmp_path, signing_algorithm=algorithm)
    built.add_user()
    built.add_client()
    browser = built.edge()
    assert browser.sign_in().status_code == 303
    tokens = RelyingParty(built, browser).tokens()
    headers = [decoded(tokens[name], part=0) for name in ("access_token", "id_token")]
    assert [header["alg"] for header in headers] == [algorithm] * 2
    hashing = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
    digest = hashing(tokens["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert decoded(tokens["id_token"])["at_hash"] == half
    answer = built.edge().get("/oauth2/userinfo", headers=bearer(tokens["access_token"]))
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    built.close()


def test_keys_are_public_and_say_what_they_are_for(service: IdentityService) -> None:
    keys = service.edge().get("/oauth2/jwks").json["keys"]
    assert len(keys) == NEXT_KEYS + 1
    for key in keys:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["alg"], key["use"], key["crv"]) == ("ES256", "sig", "P-256")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        *((path, "GET") for path in PUBLIC_PATHS),
        ("/oauth2/token", "POST"),
        ("/oauth2/userinfo", "GET, POST"),
    ],
)
def test_browsers_are_told_what_scripts_may_do(
    service: IdentityService, path: str, methods: str
) -> None:
    headers = {"origin": "https://spa.example", "access-control-request-method": "POST"}
    answer = service.edge().request("OPTIONS", path, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == methods
    assert "authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/oauth2/authorize", "/oauth2/introspect", "/oauth2/end-session"])
def test_scripts_of_other_origins_cannot_read_the_rest(service: IdentityService, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = service.edge().request(method, path, headers={"origin": "https://spa.example"})
        assert "access-control-allow-origin" not in answer.headers


def test_refusals_too_are_readable_by_scripts(party: RelyingParty) -> None:
    refused = party.service.edge().request("GET", "/oauth2/userinfo", headers=bearer("x"))
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "www-authenticate" in refused.headers["access-control-expose-headers"].lower()
    assert party.redeem("x").headers["access-control-allow-origin"] == "*"
