import base64
import hashlib
import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from ostiary.watch.oidc_journeys.id_tokens import Expected, read_subject
from ostiary.watch.oidc_journeys.key_set import KeySet
from ostiary.watch.relying_party.claims import TokenRejectedError

NOW = 1_800_000_000.0
ACCESS = "an access token"
CLAIMS = {
    "iss": "https://login.example.test/op",
    "sub": "u1",
    "aud": "probe",
    "nonce": "n",
    "iat": NOW - 1,
    "exp": NOW + 300,
}
KEYS: dict[str, ECKey | RSAKey | OKPKey] = {
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "RS256": RSAKey.generate_key(2048),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}
KEYS["PS256"] = KEYS["RS256"]


def published() -> KeySet:
    entries = [{**key.as_dict(private=False), "kid": name} for name, key in KEYS.items()]
    strange = [{"kty": "XYZ", "kid": "?"}, {"kty": "EC", "crv": "P-256", "x": 7, "kid": "ES256"}]
    return KeySet((*strange, *entries))


def signed(claims=CLAIMS, *, algorithm="ES256", key=None, kid="") -> str:
    header = {"alg": algorithm, "kid": kid or algorithm}
    if kid is None:
        header.pop("kid")
    content = json.dumps(claims)
    return jws.serialize_compact(header, content, key or KEYS[algorithm], algorithms=[algorithm])


def read(token: str, nonce: str | None = "n") -> str:
    expected = Expected(str(CLAIMS["iss"]), "probe", nonce, ACCESS, NOW)
    return read_subject(token, published(), expected)


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_any_usual_algorithm_is_read(algorithm):
    assert read(signed(algorithm=algorithm)) == "u1"


def test_a_token_that_names_no_key_is_read_by_the_one_that_fits():
    assert read(signed(kid=None)) == "u1"


def test_the_hash_of_the_access_token_is_checked_where_it_is_there():
    digest = hashlib.sha384(ACCESS.encode()).digest()[:24]
    fitting = base64.urlsafe_b64encode(digest).decode()

    assert read(signed({**CLAIMS, "at_hash": fitting}, algorithm="ES384")) == "u1"
    with pytest.raises(TokenRejectedError, match="at_hash"):
        read(signed({**CLAIMS, "at_hash": fitting}))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://login.example.test/op/"}, "its issuer is"),
        ({"aud": ["another"]}, "another client"),
        ({"aud": None}, "no list"),
        ({"azp": "another"}, "authorized party"),
        ({"nonce": "other"}, "nonce"),
        ({"exp": NOW - 31}, "expired"),
        ({"exp": "tomorrow"}, "no time exp"),
        ({"iat": NOW + 31}, "in the future"),
        ({"sub": ""}, "no claim sub"),
    ],
)
def test_what_an_application_would_refuse_is_refused(changed, why):
    with pytest.raises(TokenRejectedError, match=why):
        read(signed(CLAIMS | changed))


def test_clocks_may_differ_a_little_and_a_refresh_repeats_no_nonce():
    token = signed({**CLAIMS, "iat": NOW + 29, "exp": NOW + 30, "nonce": None})
    assert read(token, nonce=None) == "u1"


def test_another_key_under_a_published_id_is_found():
    with pytest.raises(TokenRejectedError, match="fits no published key"):
        read(signed(key=ECKey.generate_key("P-256")))


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.e30.", "..", "é.é.é"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(TokenRejectedError):
        read(token)


def test_neither_none_nor_a_shared_secret_signs():
    part = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    with pytest.raises(TokenRejectedError, match="'none'"):
        read(f"{none}.{part}.")
    public = json.dumps(KEYS["RS256"].as_dict(private=False)).encode()
    secret = OctKey.import_key(public)
    with pytest.raises(TokenRejectedError, match="'HS256'"):
        read(signed(algorithm="HS256", key=secret, kid="RS256"))
