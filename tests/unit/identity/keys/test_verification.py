"""Presented tokens: accepted when they are ours, refused otherwise, and never an error of ours."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.model import HeldKey
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.keys.signing import Signer
from ostiary.identity.keys.verification import TokenRefusedError, TokenType, TokenVerifier
from tests.fakes.clock import FakeClock
from tests.unit.identity.keys.conftest import OpenRing

ISSUER = "https://login.example"
FUZZ = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture
def ring(open_ring: OpenRing) -> KeyRing:
    return open_ring()


@pytest.fixture
def verifier(ring: KeyRing, clock: FakeClock) -> TokenVerifier:
    return TokenVerifier(ring, clock, issuer=ISSUER, leeway_seconds=5)


def claims_at(clock: FakeClock, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    return {"iss": ISSUER, "iat": now, "exp": now + 300, "sub": "ada", **changed}


def sign(ring: KeyRing, claims: dict[str, Any], token_type: str = "at+jwt") -> str:
    return ring.signer().sign(token_type, claims)


def sign_raw(header: bytes, payload: bytes, ring: KeyRing) -> str:
    """Sign any bytes with the real key: what only we ourselves could do wrong."""
    key = ring.signer()._key.key.private_key
    signed = f"{encoded(header)}.{encoded(payload)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def refused(verifier: TokenVerifier, token: str) -> TokenRefusedError:
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token, TokenType.ACCESS)
    assert len(token) < 20 or token[:20] not in str(caught.value)
    return caught.value


def test_a_good_token_gives_its_claims(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock
) -> None:
    claims = claims_at(clock)
    assert verifier.verify(sign(ring, claims), TokenType.ACCESS) == claims


def test_a_signature_is_what_cryptography_by_itself_accepts(
    ring: KeyRing, clock: FakeClock
) -> None:
    token = sign(ring, claims_at(clock))
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    published = json.loads(ring.jwks())["keys"]
    kid = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
    jwk = next(entry for entry in published if entry["kid"] == kid)
    numbers = [int.from_bytes(base64.urlsafe_b64decode(jwk[axis] + "=")) for axis in "xy"]
    key = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("late", "accepted"), [(4.9, True), (5, False)])
def test_the_leeway_forgives_clocks_that_differ(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock, late: float, accepted: bool
) -> None:
    token = sign(ring, claims_at(clock))
    clock.advance(300 + late)
    if accepted:
        assert verifier.verify(token, TokenType.ACCESS)
    else:
        assert refused(verifier, token).outcome == "expired"


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_token_from_the_future_is_refused_beyond_the_leeway(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock, name: str
) -> None:
    now = int(clock.now().timestamp())
    assert verifier.verify(sign(ring, claims_at(clock, **{name: now + 5})), TokenType.ACCESS)
    assert refused(verifier, sign(ring, claims_at(clock, **{name: now + 6})))


def test_an_expired_id_token_can_be_accepted_as_a_hint(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock
) -> None:
    token = sign(ring, claims_at(clock), "JWT")
    clock.advance(10_000)
    assert verifier.verify(token, TokenType.ID, accept_expired=True)


def test_an_id_token_does_not_pass_for_an_access_token(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock
) -> None:
    assert refused(verifier, sign(ring, claims_at(clock), "JWT")).reason == "another type of token"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": None},
        {"exp": 10**400},
        {"exp": -1},
        {"iat": {}},
        {"nbf": "now"},
    ],
)
def test_claims_that_cannot_be_are_refused_even_with_a_good_signature(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock, changed: dict[str, Any]
) -> None:
    assert refused(verifier, sign(ring, claims_at(clock, **changed))).outcome == "invalid_token"


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b"\xff\xfe"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b"[]"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b"null"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b'{"iss":1e999}'),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b'{"exp":NaN}'),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b'{"sub":"a","sub":"b"}'),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', b"[" * 4000),
        (b'{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"KID"}', b"{}"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":["b64"],"b64":false}', b"{}"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":"x"}', b"{}"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":"KID","zip":"DEF"}', b"{}"),
        (b'{"alg":"none","typ":"at+jwt","kid":"KID"}', b"{}"),
        (b'{"alg":"HS256","typ":"at+jwt","kid":"KID"}', b"{}"),
        (b'{"alg":"es256","typ":"at+jwt","kid":"KID"}', b"{}"),
        (b'{"alg":["ES256"],"typ":"at+jwt","kid":"KID"}', b"{}"),
        (b'{"alg":"ES256","typ":"at+jwt","kid":["KID"]}', b"{}"),
        (b'{"alg":"ES256","typ":"at+jwt"}', b"{}"),
        (b'{"alg":"ES256","typ":null,"kid":"KID"}', b"{}"),
        (b"not json", b"{}"),
        (b"", b""),
    ],
)
def test_broken_tokens_are_refused_even_with_a_good_signature(
    ring: KeyRing, verifier: TokenVerifier, header: bytes, payload: bytes
) -> None:
    named = header.replace(b"KID", ring.signer().kid.encode())
    assert refused(verifier, sign_raw(named, payload, ring)).outcome == "invalid_token"


def test_a_changed_last_character_is_refused(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock
) -> None:
    """The last character of an ES256 signature has four bits that decoders ignore."""
    token = sign(ring, claims_at(clock))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for other in set(alphabet) - {token[-1]}:
        refused(verifier, token[:-1] + other)


def test_a_key_that_the_token_brings_along_is_not_believed(
    verifier: TokenVerifier, clock: FakeClock
) -> None:
    own = generate_key()
    forged = Signer(HeldKey(own.kid, 1, own.public_jwk, private_jwk=own.private_jwk))
    assert refused(verifier, forged.sign("at+jwt", claims_at(clock))).reason == "an unknown key"


def test_a_forged_signature_under_our_key_id_is_the_presenters_fault(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock
) -> None:
    own = generate_key()
    kid = ring.signer().kid
    forged = Signer(HeldKey(kid, 1, own.public_jwk, private_jwk=own.private_jwk))
    error = refused(verifier, forged.sign("at+jwt", claims_at(clock)))
    assert error.reason == "a wrong signature"
    assert error.outcome == "invalid_token"


def test_an_encrypted_token_is_refused(verifier: TokenVerifier) -> None:
    key = OctKey.generate_key(256)
    token = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, b"{}", key)
    assert refused(verifier, token).outcome == "invalid_token"


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b.c", "ä.ö.ü", "\0.\0.\0", "=.=.="])
def test_texts_that_are_no_tokens_are_refused(verifier: TokenVerifier, token: str) -> None:
    refused(verifier, token)


def test_a_huge_text_is_refused_without_being_read(verifier: TokenVerifier) -> None:
    assert refused(verifier, "a" * 5_000_000 + ".b.c").reason == "too long"


@FUZZ
@given(text=st.text(max_size=300))
def test_no_text_is_an_error_of_ours(verifier: TokenVerifier, text: str) -> None:
    refused(verifier, text)


@FUZZ
@given(parts=st.lists(st.binary(max_size=60).map(encoded), min_size=3, max_size=3))
def test_no_three_parts_are_an_error_of_ours(verifier: TokenVerifier, parts: list[str]) -> None:
    refused(verifier, ".".join(parts))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@FUZZ
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64", "x5c", "zip", "enc"]), JSON
    ),
    payload=st.dictionaries(
        st.sampled_from(["iss", "exp", "iat", "nbf", "aud", "sub", "scope"]), JSON
    ),
    honest_header=st.booleans(),
)
def test_no_signed_json_is_an_error_of_ours(
    ring: KeyRing,
    verifier: TokenVerifier,
    header: dict[str, Any],
    payload: dict[str, Any],
    honest_header: bool,
) -> None:
    if honest_header:
        header |= {"alg": "ES256", "typ": "at+jwt", "kid": ring.signer().kid}
    refused(verifier, sign_raw(json.dumps(header).encode(), json.dumps(payload).encode(), ring))


@FUZZ
@given(position=st.integers(min_value=0, max_value=10_000), byte=st.integers(0, 127))
def test_no_changed_character_is_accepted(
    ring: KeyRing, verifier: TokenVerifier, clock: FakeClock, position: int, byte: int
) -> None:
    token = sign(ring, claims_at(clock))
    place = position % len(token)
    changed = token[:place] + chr(byte) + token[place + 1 :]
    if changed != token:
        refused(verifier, changed)


@pytest.fixture
def checked(monkeypatch) -> list[str]:
    """The tokens whose signature was checked."""
    seen: list[str] = []
    check = TokenVerifier._check_signature

    def noted(verifier: TokenVerifier, token: str, kid: str) -> None:
        seen.append(token)
        check(verifier, token, kid)

    monkeypatch.setattr(TokenVerifier, "_check_signature", noted)
    return seen


def test_a_good_signature_is_checked_once_and_all_else_each_time(
    ring, verifier, clock, checked
) -> None:
    token = sign(ring, claims_at(clock))
    first = verifier.verify(token, TokenType.ACCESS)
    first["sub"] = "somebody else"
    assert verifier.verify(token, TokenType.ACCESS)["sub"] == "ada"
    assert checked == [token]
    with pytest.raises(TokenRefusedError, match="another type"):
        verifier.verify(token, TokenType.ID)
    clock.advance(306)
    with pytest.raises(TokenRefusedError, match="expired"):
        verifier.verify(token, TokenType.ACCESS)
    assert checked == [token]


def test_a_token_that_was_good_is_refused_when_its_key_is_withdrawn(
    ring, verifier, clock, monkeypatch
) -> None:
    token = sign(ring, claims_at(clock))
    verifier.verify(token, TokenType.ACCESS)
    monkeypatch.setattr(ring, "find", lambda _kid: None)
    with pytest.raises(TokenRefusedError, match="unknown key"):
        verifier.verify(token, TokenType.ACCESS)


def test_a_wrong_signature_is_never_remembered(ring, verifier, clock, checked) -> None:
    good = sign(ring, claims_at(clock))
    verifier.verify(good, TokenType.ACCESS)
    forged = good[:-10] + ("A" * 10)
    for _ in range(2):
        with pytest.raises(TokenRefusedError, match="wrong signature"):
            verifier.verify(forged, TokenType.ACCESS)
    assert checked == [good, forged, forged]
    assert len(verifier._seen) == 1


def test_only_so_many_tokens_are_remembered(ring, verifier, clock, monkeypatch) -> None:
    monkeypatch.setattr("ostiary.identity.keys.verification.SEEN_MAX", 2)
    for number in range(5):
        verifier.verify(sign(ring, claims_at(clock, jti=str(number))), TokenType.ACCESS)
        assert len(verifier._seen) <= 2
