"""Each key is for one algorithm: what a token's header says never chooses how it is checked."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ostiary.identity.keys.algorithms import Algorithm, import_key
from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.model import HeldKey, KeyMaterial
from ostiary.identity.keys.signing import Signer, SigningUnavailableError
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.keys.verification import TokenRefusedError, TokenType, TokenVerifier
from ostiary.identity.store.engine import Store
from tests.fakes.clock import FakeClock
from tests.unit.identity.keys.conftest import OpenRing

ISSUER = "https://login.example"
EVERY_PAIR = [(one, other) for one in Algorithm for other in Algorithm if one is not other]


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture
def made(store: Store, signing_keys: SigningKeys) -> dict[Algorithm, KeyMaterial]:
    """Publish one key of each algorithm."""
    made = {algorithm: generate_key(algorithm) for algorithm in Algorithm}
    with store.write() as connection:
        for key in made.values():
            signing_keys.add(connection, key, now=1, genesis=True)
    return made


@pytest.fixture
def verifier(
    made: dict[Algorithm, KeyMaterial], open_ring: OpenRing, clock: FakeClock
) -> TokenVerifier:
    return TokenVerifier(open_ring(), clock, issuer=ISSUER, leeway_seconds=5)


def claims_at(clock: FakeClock) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    return {"iss": ISSUER, "iat": now, "exp": now + 300, "sub": "ada"}


def signer(key: KeyMaterial) -> Signer:
    return Signer(HeldKey(key.kid, 1, key.public_jwk, key.private_jwk, key.algorithm))


def signed_part(alg: str, kid: str, claims: dict[str, Any]) -> str:
    header = json.dumps({"alg": alg, "typ": "at+jwt", "kid": kid}).encode()
    return f"{encoded(header)}.{encoded(json.dumps(claims).encode())}"


def reason(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token, TokenType.ACCESS)
    assert caught.value.outcome == "invalid_token"
    return caught.value.reason


@pytest.mark.parametrize("algorithm", Algorithm)
def test_what_a_key_signs_is_accepted_under_its_own_algorithm(
    made: dict[Algorithm, KeyMaterial],
    verifier: TokenVerifier,
    clock: FakeClock,
    algorithm: Algorithm,
) -> None:
    token = signer(made[algorithm]).sign("at+jwt", claims_at(clock))
    assert verifier.verify(token, TokenType.ACCESS) == claims_at(clock)


@pytest.mark.parametrize(("algorithm", "claimed"), EVERY_PAIR)
def test_a_good_signature_under_the_name_of_another_algorithm_is_refused(
    made: dict[Algorithm, KeyMaterial],
    verifier: TokenVerifier,
    clock: FakeClock,
    algorithm: Algorithm,
    claimed: Algorithm,
) -> None:
    """The signature is right for the very bytes, made with the very key that the header names."""
    key = made[algorithm]
    part = signed_part(claimed, key.kid, claims_at(clock))
    signature = import_key(algorithm, key.private_jwk).sign(part.encode())
    said = reason(verifier, f"{part}.{encoded(signature)}")
    assert said == "an algorithm that its key is not for"


@pytest.mark.parametrize(("algorithm", "named"), EVERY_PAIR)
def test_a_key_of_one_algorithm_does_not_sign_for_a_key_of_another(
    made: dict[Algorithm, KeyMaterial],
    verifier: TokenVerifier,
    clock: FakeClock,
    algorithm: Algorithm,
    named: Algorithm,
) -> None:
    part = signed_part(named, made[named].kid, claims_at(clock))
    signature = import_key(algorithm, made[algorithm].private_jwk).sign(part.encode())
    assert reason(verifier, f"{part}.{encoded(signature)}") == "a wrong signature"


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_public_key_is_no_shared_secret(
    made: dict[Algorithm, KeyMaterial],
    verifier: TokenVerifier,
    clock: FakeClock,
    algorithm: Algorithm,
) -> None:
    """HS256 under what everybody knows: the PEM text, the DER bytes, or the JWK itself."""
    key = made[algorithm]
    public: Any = import_key(algorithm, key.public_jwk).key.raw_value
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(dict(key.public_jwk)).encode(),
    ]
    for secret in secrets:
        part = signed_part("HS256", key.kid, claims_at(clock))
        tag = hmac.new(secret, part.encode(), hashlib.sha256).digest()
        assert reason(verifier, f"{part}.{encoded(tag)}") == "another algorithm"
        under_its_name = signed_part(algorithm, key.kid, claims_at(clock))
        tag = hmac.new(secret, under_its_name.encode(), hashlib.sha256).digest()
        assert reason(verifier, f"{under_its_name}.{encoded(tag)}") == "a wrong signature"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "Ed25519", "PS256", "ES384"])
@pytest.mark.parametrize("algorithm", Algorithm)
def test_algorithms_outside_the_list_are_refused_with_and_without_a_signature(
    made: dict[Algorithm, KeyMaterial],
    verifier: TokenVerifier,
    clock: FakeClock,
    algorithm: Algorithm,
    alg: str,
) -> None:
    key = made[algorithm]
    part = signed_part(alg, key.kid, claims_at(clock))
    signature = import_key(algorithm, key.private_jwk).sign(part.encode())
    for token in (f"{part}.", f"{part}.{encoded(signature)}"):
        assert reason(verifier, token) == "another algorithm"


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_changed_signature_of_any_length_is_refused(
    made: dict[Algorithm, KeyMaterial],
    verifier: TokenVerifier,
    clock: FakeClock,
    algorithm: Algorithm,
) -> None:
    key = made[algorithm]
    part = signed_part(algorithm, key.kid, claims_at(clock))
    right = import_key(algorithm, key.private_jwk).sign(part.encode())
    wrong = [b"", right[:-1], right + b"\0", bytes(len(right)), right[::-1], b"\xff" * len(right)]
    for signature in wrong:
        assert reason(verifier, f"{part}.{encoded(signature)}") == "a wrong signature"


@pytest.mark.parametrize(
    ("algorithm", "kind", "parameter"),
    [
        (Algorithm.ES256, ECKey, "P-384"),
        (Algorithm.EDDSA, OKPKey, "Ed448"),
        (Algorithm.EDDSA, OKPKey, "X25519"),
        (Algorithm.RS256, ECKey, "P-256"),
        (Algorithm.ES256, OKPKey, "Ed25519"),
        (Algorithm.RS256, RSAKey, 1024),
    ],
    ids=["P-384", "Ed448", "X25519", "EC for RSA", "OKP for EC", "1024 bits"],
)
@pytest.mark.filterwarnings("ignore:Key size")
def test_a_key_that_is_not_for_its_algorithm_signs_nothing(
    algorithm: Algorithm, kind: Any, parameter: Any
) -> None:
    key = kind.generate_key(parameter)
    held = HeldKey("k", 1, key.as_dict(private=False), key.as_dict(private=True), algorithm)
    with pytest.raises(SigningUnavailableError) as caught:
        Signer(held)
    assert caught.value.outcome == "signing_failed"


def test_a_key_for_an_algorithm_of_a_newer_release_signs_nothing() -> None:
    own = generate_key()
    with pytest.raises(SigningUnavailableError):
        Signer(HeldKey("k", 1, own.public_jwk, own.private_jwk, "ML-DSA-44"))


@pytest.mark.parametrize(
    ("algorithm", "described"),
    [
        (Algorithm.ES256, {"kty": "EC", "crv": "P-256", "alg": "ES256"}),
        (Algorithm.RS256, {"kty": "RSA", "e": "AQAB", "alg": "RS256"}),
        (Algorithm.EDDSA, {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"}),
    ],
)
def test_a_published_key_says_what_it_is_for_and_holds_no_private_part(
    algorithm: Algorithm, described: dict[str, str]
) -> None:
    public = dict(generate_key(algorithm).public_jwk)
    assert {**public, **described, "use": "sig"} == public
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & public.keys()
