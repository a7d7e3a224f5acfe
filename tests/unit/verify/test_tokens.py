"""Which tokens are accepted, and why the others are not."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey

from ostiary.verify import Principal, Reason, TokenRefusedError, Verifier
from ostiary.verify.keys.algorithms import FOR_KEYS
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.issuer import (
    AUDIENCE,
    MAKERS,
    NOW,
    HandClock,
    Issuer,
    claims_of,
    encoded,
    signed,
)


def reason(verifier: Verifier, token: str | bytes) -> Reason:
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token)
    return caught.value.reason


def test_a_good_token_tells_who_it_is(issuer: Issuer, verifier: Verifier) -> None:
    principal = verifier.verify(issuer.token(nested={"a": [1, {"b": "c"}]}))
    assert principal == Principal(
        subject="u-ada",
        client_id="app",
        scopes=frozenset({"openid", "orders:read"}),
        roles=frozenset({"clerk"}),
        audiences=frozenset({AUDIENCE}),
        expires_at=NOW + 300,
        payload=b"",
    )
    assert principal.claims["jti"] == "t-1"
    assert principal.claims["nested"]["a"][1]["b"] == "c"
    assert not principal.is_client
    assert "u-ada" in repr(principal)
    assert "t-1" not in repr(principal)


def test_a_subject_may_be_written_in_any_language(issuer: Issuer, verifier: Verifier) -> None:
    for name in ("Žofie Ångström", "林", "😀"):
        assert verifier.verify(issuer.token(sub=name)).subject == name


def test_what_one_request_does_to_a_principal_is_not_seen_by_the_next(
    issuer: Issuer, verifier: Verifier
) -> None:
    """All requests with one token share it."""
    token = issuer.token(nested={"a": [1]})
    principal = verifier.verify(token)
    principal.claims["nested"]["a"].append(2)
    assert verifier.verify(token).claims["nested"] == {"a": [1]}
    with pytest.raises(AttributeError):
        principal.subject = "u-eve"  # type: ignore[misc]


@pytest.mark.parametrize("algorithm", MAKERS)
def test_each_algorithm_is_accepted_where_it_is_allowed(
    issuer: Issuer, make_verifier: MakeVerifier, algorithm: str
) -> None:
    issuer.add_key("k-2", algorithm)
    assert make_verifier(algorithms=algorithm).verify(issuer.token("k-2")).subject == "u-ada"


def test_an_algorithm_that_is_not_allowed_is_refused_whatever_the_keys_say(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    issuer.add_key("k-2", "RS256")
    assert reason(make_verifier(algorithms=["ES256"]), issuer.token("k-2")) is Reason.ALGORITHM


@pytest.mark.parametrize("name", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_as_a_media_type(
    issuer: Issuer, verifier: Verifier, name: str
) -> None:
    assert verifier.verify(issuer.token(header={"typ": name}))


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ({"typ": "JWT"}, Reason.TYPE),
        ({"typ": None}, Reason.TYPE),
        ({"typ": 7}, Reason.TYPE),
        ({"typ": "id+jwt"}, Reason.TYPE),
        ({"alg": "none"}, Reason.ALGORITHM),
        ({"alg": "None"}, Reason.ALGORITHM),
        ({"alg": "HS256"}, Reason.ALGORITHM),
        ({"alg": "RS256"}, Reason.ALGORITHM),
        ({"alg": None}, Reason.MALFORMED),
        ({"alg": ["ES256"]}, Reason.MALFORMED),
        ({"kid": 7}, Reason.MALFORMED),
        ({"kid": {"k": 1}}, Reason.MALFORMED),
        ({"kid": "x" * 300}, Reason.MALFORMED),
        ({"crit": ["exp"]}, Reason.MALFORMED),
        ({"b64": False}, Reason.MALFORMED),
        ({"kid": "k-2"}, Reason.UNKNOWN_KEY),
        ({"kid": "../../etc/passwd"}, Reason.UNKNOWN_KEY),
    ],
)
def test_a_header_that_must_not_be_is_refused(
    issuer: Issuer, verifier: Verifier, header: dict[str, Any], wanted: Reason
) -> None:
    assert reason(verifier, issuer.token(header=header)) is wanted


@pytest.mark.parametrize(
    ("claims", "wanted"),
    [
        ({"iss": "https://login.example/"}, Reason.ISSUER),
        ({"iss": None}, Reason.ISSUER),
        ({"iss": ["https://login.example"]}, Reason.ISSUER),
        ({"aud": "https://api.example/"}, Reason.AUDIENCE),
        ({"aud": []}, Reason.AUDIENCE),
        ({"aud": None}, Reason.CLAIM),
        ({"aud": {"a": AUDIENCE}}, Reason.CLAIM),
        ({"aud": [AUDIENCE, 7]}, Reason.CLAIM),
        ({"sub": None}, Reason.CLAIM),
        ({"sub": ""}, Reason.CLAIM),
        ({"sub": 7}, Reason.CLAIM),
        ({"sub": "a\nb"}, Reason.CLAIM),
        ({"sub": "a\x00"}, Reason.CLAIM),
        ({"sub": "\ud800"}, Reason.MALFORMED),
        ({"extra": {"\udfff": 1}}, Reason.MALFORMED),
        ({"client_id": None}, Reason.CLAIM),
        ({"jti": None}, Reason.CLAIM),
        ({"jti": 1}, Reason.CLAIM),
        ({"scope": ["openid"]}, Reason.CLAIM),
        ({"scope": 7}, Reason.CLAIM),
        ({"roles": "admin"}, Reason.CLAIM),
        ({"roles": [1]}, Reason.CLAIM),
        ({"roles": {"admin": True}}, Reason.CLAIM),
        ({"exp": None}, Reason.CLAIM),
        ({"exp": "1900000000"}, Reason.CLAIM),
        ({"exp": True}, Reason.CLAIM),
        ({"exp": -1}, Reason.CLAIM),
        ({"exp": 2**60}, Reason.CLAIM),
        ({"exp": 10**400}, Reason.CLAIM),
        ({"iat": None}, Reason.CLAIM),
        ({"iat": []}, Reason.CLAIM),
        ({"nbf": "now"}, Reason.CLAIM),
        ({"exp": NOW - 5}, Reason.EXPIRED),
        ({"iat": NOW + 6}, Reason.NOT_YET),
        ({"nbf": NOW + 6}, Reason.NOT_YET),
    ],
)
def test_a_claim_that_must_not_be_is_refused(
    issuer: Issuer, verifier: Verifier, claims: dict[str, Any], wanted: Reason
) -> None:
    assert reason(verifier, issuer.token(**claims)) is wanted


def test_a_token_without_scope_and_roles_grants_nothing(issuer: Issuer, verifier: Verifier) -> None:
    principal = verifier.verify(issuer.token(scope=None, roles=None))
    assert (principal.scopes, principal.roles) == (frozenset(), frozenset())


def test_one_audience_of_several_is_enough(issuer: Issuer, make_verifier: MakeVerifier) -> None:
    verifier = make_verifier(audience=["urn:old", AUDIENCE])
    assert verifier.verify(issuer.token(aud=["urn:other", "urn:old"]))
    assert reason(verifier, issuer.token(aud=["urn:other"])) is Reason.AUDIENCE


def test_roles_may_be_elsewhere(issuer: Issuer, make_verifier: MakeVerifier) -> None:
    verifier = make_verifier(roles_claim=("realm_access", "roles"))
    principal = verifier.verify(issuer.token(realm_access={"roles": ["chief"]}))
    assert principal.roles == {"chief"}
    assert verifier.verify(issuer.token()).roles == frozenset()
    assert reason(verifier, issuer.token(realm_access=["chief"])) is Reason.CLAIM


def test_the_leeway_forgives_clocks_that_differ(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    assert verifier.verify(issuer.token(iat=NOW + 5, nbf=NOW + 5, exp=NOW - 4.999))


def test_expiry_is_exact_for_tokens_that_were_seen_before(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    token = issuer.token()
    clock.advance(304.999)
    assert verifier.verify(token) is verifier.verify(token)
    clock.advance(0.001)
    assert reason(verifier, token) is Reason.EXPIRED
    assert reason(verifier, token) is Reason.EXPIRED


def test_a_clock_that_jumps_back_makes_a_seen_token_one_of_the_future(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    token = issuer.token()
    verifier.verify(token)
    clock.seconds = -6
    assert reason(verifier, token) is Reason.NOT_YET


def test_a_token_whose_signature_is_changed_is_refused_also_when_it_was_seen(
    issuer: Issuer, verifier: Verifier
) -> None:
    token = issuer.token()
    verifier.verify(token)
    head, _, signature = token.rpartition(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    assert reason(verifier, f"{head}.{other}") is Reason.SIGNATURE
    assert reason(verifier, f"{head}.") is Reason.SIGNATURE


def test_a_signature_has_one_text_only(issuer: Issuer, verifier: Verifier) -> None:
    """Of the last character of 64 bytes two bits count; the other four have to be zero."""
    token = issuer.token()
    assert token[-1] in "AQgw"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert reason(verifier, token[:-1] + letters[letters.index(token[-1]) + 1]) is Reason.MALFORMED
    assert reason(verifier, token + "==") is Reason.MALFORMED


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_no_secret_to_sign_with(
    issuer: Issuer, verifier: Verifier, algorithm: str
) -> None:
    """The classic confusion of keys (RFC 8725, section 2.1), with each text of the key."""
    key = issuer.keys["k-1"][1].public_key
    texts = [
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(issuer.jwks()["keys"][0]).encode(),
    ]
    head = encoded(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "k-1"}).encode())
    part = f"{head}.{encoded(json.dumps(claims_of()).encode())}"
    for text in texts:
        mac = hmac.new(text, part.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
        assert reason(verifier, f"{part}.{encoded(mac)}") is Reason.ALGORITHM


@pytest.mark.parametrize("signer", MAKERS)
@pytest.mark.parametrize("named", MAKERS)
def test_a_key_never_signs_for_another(
    make_verifier: MakeVerifier, signer: str, named: str
) -> None:
    """The header names the id and the algorithm of one key, and another one has signed."""
    everybody = EVERYBODY
    verifier = make_verifier(algorithms=list(FOR_KEYS), transport=everybody.transport)
    head = json.dumps({"alg": named, "typ": "at+jwt", "kid": f"k-{named}"}).encode()
    other = MAKERS[signer]() if signer == named else everybody.keys[f"k-{signer}"][1]
    token = signed(signer, other, head, json.dumps(claims_of()).encode())
    assert reason(verifier, token) is Reason.SIGNATURE


EVERYBODY = Issuer()
for each in MAKERS:
    EVERYBODY.add_key(f"k-{each}", each)


def test_a_key_in_the_header_is_not_looked_at(issuer: Issuer, verifier: Verifier) -> None:
    own = ECKey.generate_key("P-256")
    head = {"alg": "ES256", "typ": "at+jwt", "kid": "k-1", "jwk": own.as_dict(private=False)}
    head |= {"jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u"}
    token = signed("ES256", own, json.dumps(head).encode(), json.dumps(claims_of()).encode())
    assert reason(verifier, token) is Reason.SIGNATURE


def test_a_token_without_key_id_is_checked_by_the_few_keys_for_its_algorithm(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    issuer.add_key("k-2")
    token = issuer.token("k-2", header={"kid": None})
    assert make_verifier().verify(token)
    for number in range(3, 7):
        issuer.add_key(f"k-{number}")
    assert reason(make_verifier(), token) is Reason.MALFORMED


def payload_with(text: bytes) -> bytes:
    return json.dumps(claims_of()).encode()[:-1] + b", " + text + b"}"


@pytest.mark.parametrize(
    "payload",
    [
        payload_with(b'"sub": "u-eve"'),
        payload_with(b'"extra": {"a": 1, "a": 2}'),
        payload_with(b'"exp": NaN'),
        payload_with(b'"extra": Infinity'),
        payload_with(b'"extra": "\xff\xfe"'),
        payload_with(b'"extra": ' + b"9" * 5000),
        json.dumps(claims_of()).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(claims_of()).encode(),
        b"[" * 3000 + b"]" * 3000,
        b"[1]",
        b"null",
        b'"text"',
        b"",
        json.dumps(claims_of()).encode() + b"x",
    ],
)
def test_a_payload_that_readers_could_read_differently_is_refused(
    issuer: Issuer, verifier: Verifier, payload: bytes
) -> None:
    algorithm, key = issuer.keys["k-1"]
    head = json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "k-1"}).encode()
    assert reason(verifier, signed(algorithm, key, head, payload)) is Reason.MALFORMED


def test_claims_nested_deeper_than_anybody_needs_are_refused(
    issuer: Issuer, verifier: Verifier
) -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    assert reason(verifier, issuer.token(extra=deep)) is Reason.MALFORMED
    assert verifier.verify(issuer.token(extra=[[[{}]] for _ in range(40)]))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "=.=.=",
        "\x00.\x00.\x00",
        "ä.ö.ü",
        "\ud800.\ud800.\ud800",
        b"\xff.\xfe.\xfd",
        "e30.e30.e30",
        "." * 5000,
    ],
)
def test_what_is_no_token_is_refused(verifier: Verifier, token: str | bytes) -> None:
    assert reason(verifier, token) is Reason.MALFORMED


def test_a_token_of_a_megabyte_is_not_even_looked_at(issuer: Issuer, verifier: Verifier) -> None:
    assert reason(verifier, issuer.token(extra="x" * 1_000_000)) is Reason.TOO_LONG
    assert reason(verifier, b"." * 1_000_000) is Reason.TOO_LONG


def test_an_encrypted_token_is_refused_whatever_is_inside(
    issuer: Issuer, verifier: Verifier
) -> None:
    secret = OctKey.generate_key(128)
    token = jwe.encrypt_compact(
        {"alg": "dir", "enc": "A128GCM", "cty": "JWT"}, issuer.token().encode(), secret
    )
    assert reason(verifier, token) is Reason.MALFORMED


def test_a_token_within_a_token_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    algorithm, key = issuer.keys["k-1"]
    head = {"alg": algorithm, "typ": "at+jwt", "kid": "k-1", "cty": "JWT"}
    nested = signed(algorithm, key, json.dumps(head).encode(), issuer.token().encode())
    assert reason(verifier, nested) is Reason.MALFORMED


def test_no_refusal_repeats_the_token(issuer: Issuer, verifier: Verifier) -> None:
    for token in (issuer.token(sub="secret-\n"), issuer.token(header={"kid": "secret"})):
        with pytest.raises(TokenRefusedError) as caught:
            verifier.verify(token)
        assert "secret" not in str(caught.value)
        assert base64.urlsafe_b64encode(b"secret").decode()[:6] not in str(caught.value)


def test_tokens_that_were_seen_are_bounded_in_number(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    verifier = make_verifier(seen_tokens_max=3)
    tokens = [issuer.token(jti=f"t-{number}") for number in range(5)]
    first = [verifier.verify(token) for token in tokens]
    assert verifier.verify(tokens[4]) is first[4]
    assert verifier.verify(tokens[0]) is not first[0]
    off = make_verifier(seen_tokens_max=0)
    assert off.verify(tokens[0]) is not off.verify(tokens[0])
