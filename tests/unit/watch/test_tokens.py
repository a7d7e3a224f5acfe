import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from ostiary.watch.journeys.forgery import forgeries
from ostiary.watch.relying_party.claims import TokenRejectedError
from ostiary.watch.relying_party.keys import BadKeySetError, KeyRing
from ostiary.watch.relying_party.registration import AuthorizationRequest, base64url
from ostiary.watch.relying_party.tokens import (
    Expectation,
    verify_access_token,
    verify_id_token,
)

KEY = ECKey.generate_key("P-256")
NOW = 1_800_000_000
EXPECTED = Expectation(
    issuer="https://login.example.org", client_id="app", audience="urn:api", now=NOW
)
ACCESS = {
    "iss": "https://login.example.org",
    "aud": "urn:api",
    "sub": "user-1",
    "client_id": "app",
    "scope": "openid email",
    "roles": ["admin"],
    "jti": "j",
    "iat": NOW,
    "exp": NOW + 300,
}
# at_hash of "the-access-token", computed by `openssl dgst -sha256 -binary | head -c 16 | base64`.
IDENTITY = {
    "iss": "https://login.example.org",
    "aud": "app",
    "sub": "user-1",
    "nonce": "n",
    "email": "me@example.org",
    "at_hash": "uby9Z8Gb_H_x4fPjwNzguw",
    "iat": NOW,
    "exp": NOW + 300,
}


def published(key=KEY, **changed):
    return {**key.as_dict(private=False), "kid": "k1", **changed}


RING = KeyRing.parse({"keys": [published()]})


def mint(claims, *, typ="at+jwt", kid="k1", key=KEY, drop=()):
    header = {"alg": "ES256", "typ": typ, "kid": kid}
    kept = {name: value for name, value in claims.items() if name not in drop}
    return jws.serialize_compact(header, json.dumps(kept).encode(), key, ["ES256"])


def sign_with(algorithm, key, claims=ACCESS, typ="at+jwt"):
    header = {"alg": algorithm, "typ": typ, "kid": "k1"}
    parts = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = JWSRegistry.algorithms[algorithm].sign(parts.encode(), key)
    return f"{parts}.{base64url(signature)}"


def verify_id(token, nonce="n"):
    return verify_id_token(token, RING, EXPECTED, nonce=nonce, access_token="the-access-token")


def test_a_good_access_token_tells_its_claims():
    claims = verify_access_token(mint(ACCESS), RING, EXPECTED)

    assert claims.subject == "user-1"
    assert claims.kid == "k1"
    assert claims.expires_at - claims.issued_at == 300
    assert claims.scope == {"openid", "email"}
    assert claims.roles == {"admin"}


def test_one_of_several_audiences_is_enough():
    verify_access_token(mint({**ACCESS, "aud": ["urn:other", "urn:api"]}), RING, EXPECTED)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://login.example.org/"}, "issuer"),
        ({"aud": "urn:other"}, "another audience: 'urn:other'"),
        ({"aud": []}, "another audience: 'nobody'"),
        ({"aud": 5}, "list"),
        ({"exp": NOW + 86_401}, "longer than a day"),
        ({"iat": NOW - 66}, "long before"),
        ({"client_id": "other"}, "client"),
        ({"exp": NOW - 6, "iat": NOW - 300}, "expired"),
        ({"exp": NOW, "iat": NOW}, "before it was issued"),
        ({"iat": NOW + 6}, "future"),
        ({"nbf": NOW + 6}, "not valid yet"),
        ({"exp": "soon"}, "no time exp"),
        ({"exp": True}, "no time exp"),
        ({"sub": ""}, "sub"),
        ({"jti": None}, "jti"),
    ],
)
def test_an_access_token_with_a_wrong_claim_is_rejected(change, reason):
    with pytest.raises(TokenRejectedError, match=reason):
        verify_access_token(mint({**ACCESS, **change}), RING, EXPECTED)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "client_id", "jti", "iat", "exp"])
def test_an_access_token_without_a_claim_is_rejected(name):
    with pytest.raises(TokenRejectedError):
        verify_access_token(mint(ACCESS, drop=[name]), RING, EXPECTED)


def test_an_access_token_of_another_type_is_rejected():
    with pytest.raises(TokenRejectedError, match=r"at\+jwt"):
        verify_access_token(mint(ACCESS, typ="JWT"), RING, EXPECTED)


def test_a_token_of_an_unknown_key_is_rejected():
    with pytest.raises(TokenRejectedError, match="key id"):
        verify_access_token(mint(ACCESS, kid="k2"), RING, EXPECTED)


def test_a_token_of_another_key_under_a_known_id_is_rejected():
    foreign = ECKey.generate_key("P-256")
    with pytest.raises(TokenRejectedError, match="signature"):
        verify_access_token(mint(ACCESS, key=foreign), RING, EXPECTED)


def test_another_algorithm_is_rejected_before_its_signature_is_looked_at():
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "k1"}
    token = jws.serialize_compact(header, json.dumps(ACCESS).encode(), key, ["RS256"])
    with pytest.raises(TokenRejectedError, match="its algorithm is RS256, its key is for ES256"):
        verify_access_token(token, RING, EXPECTED)


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_tokens_of_the_other_algorithms_are_verified_by_their_keys(algorithm):
    key = RSAKey.generate_key(2048) if algorithm == "RS256" else OKPKey.generate_key("Ed25519")
    ring = KeyRing.parse({"keys": [published(key, alg=algorithm)]})
    signed = sign_with(algorithm, key)
    assert verify_access_token(signed, ring, EXPECTED).algorithm == algorithm
    for token in forgeries(signed, ring).values():
        with pytest.raises(TokenRejectedError):
            verify_access_token(token, ring, EXPECTED)


def test_no_forgery_of_a_good_token_is_accepted():
    forged = forgeries(mint(ACCESS), RING)

    assert set(forged) == {
        "changed_payload",
        "changed_signature",
        "no_signature",
        "foreign_key",
        "foreign_EdDSA_key",
        "foreign_RS256_key",
        "public_key_as_secret",
    }
    for token in forged.values():
        with pytest.raises(TokenRejectedError):
            verify_access_token(token, RING, EXPECTED)


def test_a_good_id_token_tells_who_it_is():
    claims = verify_id(mint(IDENTITY, typ="JWT"))

    assert claims.subject == "user-1"
    assert claims.email == "me@example.org"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"nonce": "other"}, "nonce"),
        ({"aud": "other"}, "client"),
        ({"aud": ["app", "other"]}, "authorized party"),
        ({"azp": "other"}, "authorized party"),
        ({"exp": NOW + 86_401}, "longer than a day"),
        ({"at_hash": "x"}, "at_hash"),
        ({"iss": "https://other.example"}, "issuer"),
        ({"exp": NOW - 6, "iat": NOW - 300}, "expired"),
    ],
)
def test_an_id_token_with_a_wrong_claim_is_rejected(change, reason):
    with pytest.raises(TokenRejectedError, match=reason):
        verify_id(mint({**IDENTITY, **change}, typ="JWT"))


def test_an_access_token_is_no_id_token():
    with pytest.raises(TokenRejectedError, match="access token"):
        verify_id(mint(IDENTITY, typ="at+jwt"))


@pytest.mark.parametrize(
    ("algorithm", "bits", "accepted"),
    [("EdDSA", 512, True), ("EdDSA", 256, False), ("RS256", 256, True), ("RS256", 512, False)],
)
def test_at_hash_is_made_by_the_hash_of_the_algorithm(algorithm, bits, accepted):
    key = RSAKey.generate_key(2048) if algorithm == "RS256" else OKPKey.generate_key("Ed25519")
    ring = KeyRing.parse({"keys": [published(key)]})
    digest = hashlib.new(f"sha{bits}", b"the-access-token").digest()
    claims = {**IDENTITY, "at_hash": base64url(digest[: len(digest) // 2])}
    token = sign_with(algorithm, key, claims, "JWT")

    def verify():
        verify_id_token(token, ring, EXPECTED, nonce="n", access_token="the-access-token")

    if accepted:
        verify()
    else:
        with pytest.raises(TokenRejectedError, match="at_hash"):
            verify()


def test_after_a_refresh_the_nonce_may_be_missing():
    verify_id(mint(IDENTITY, typ="JWT", drop=["nonce"]), nonce=None)
    with pytest.raises(TokenRejectedError, match="nonce"):
        verify_id(mint(IDENTITY, typ="JWT", drop=["nonce"]))


@given(st.text(max_size=200))
def test_no_text_is_a_token_and_none_gives_another_error(text):
    with pytest.raises(TokenRejectedError):
        verify_access_token(text, RING, EXPECTED)


@given(st.lists(st.from_regex(r"[A-Za-z0-9_-]{0,40}", fullmatch=True), min_size=3, max_size=3))
def test_nothing_that_looks_like_a_token_gives_another_error(parts):
    with pytest.raises(TokenRejectedError):
        verify_access_token(".".join(parts), RING, EXPECTED)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "no keys"),
        ({"keys": []}, "no keys"),
        ({"keys": ["x"]}, "no key"),
        ({"keys": [published(kid="")]}, "without an id"),
        ({"keys": [published(), published()]}, "twice"),
        ({"keys": [published(crv="P-384")]}, "P-256"),
        ({"keys": [published(alg="RS256")]}, "does not fit its type"),
        ({"keys": [{"kty": "oct", "kid": "k1"}]}, "neither EC"),
        ({"keys": [{"kty": "RSA", "n": "sdf3", "e": "AQAB", "kid": "k1"}]}, "2048"),
        ({"keys": [published(x="!")]}, "cannot be read"),
        ({"keys": [{**KEY.as_dict(private=True), "kid": "k1"}]}, "private"),
    ],
)
@pytest.mark.filterwarnings("ignore:Key size")
def test_a_key_set_that_verifies_nothing_is_refused(document, reason):
    with pytest.raises(BadKeySetError, match=reason):
        KeyRing.parse(document)


def test_the_challenge_is_that_of_the_example_in_rfc_7636():
    # RFC 7636, appendix B.
    request = AuthorizationRequest("s", "n", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

    assert request.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
