"""What the fuzzer feeds, and what must hold whatever it feeds.

Each target takes bytes and fails by an exception. `SEEDS` are inputs to begin with.
"""

import json
from collections.abc import Callable

import httpx

from ostiary.verify import Principal, Verifier
from ostiary.verify.answers import Answer
from ostiary.verify.gate import Gate
from ostiary.verify.keys.algorithms import FOR_KEYS
from ostiary.verify.keys.discovery import read_jwks_uri
from ostiary.verify.keys.fetching import FetchFailedError
from ostiary.verify.keys.key_set import UnusableKeysError, read_key_set
from tests.fuzz.judge import judge_accepted
from tests.unit.verify.issuer import (
    AUDIENCE,
    ISSUER,
    JWKS,
    MAKERS,
    HandClock,
    Issuer,
    claims_of,
    signed,
)

BETWEEN = b"\n"
"""Stands between header and payload in the inputs of `signed_token`."""

_ISSUER = Issuer()
_ISSUER.add_key("k-e", "EdDSA")
_KEY = _ISSUER.keys["k-e"][1]
_VERIFIER = Verifier(
    issuer=ISSUER,
    audience=AUDIENCE,
    clock=HandClock(),
    transport=_ISSUER.transport,
    fetch_seconds=60,
)
_GATE = Gate(_VERIFIER)
_GOOD = [_ISSUER.token(), _ISSUER.token("k-e")]


def _admitted(value: bytes) -> Principal | None:
    """Return whom a request comes in as; whoever does not is told 401, since there are keys."""
    assert _VERIFIER.warm_up(60)
    admitted = _GATE.admit("/", [value])
    if isinstance(admitted, Answer):
        assert admitted.status == 401, admitted
        return None
    assert admitted is not None
    return admitted


def authorization(data: bytes) -> None:
    """Take any header: nobody comes in who does not hold one of the good tokens."""
    if _admitted(data) is not None:
        assert data.split()[1].decode() in _GOOD


def signed_token(data: bytes) -> None:
    """Take any header and payload, with a good signature: only a good token comes in."""
    header, _, payload = data.partition(BETWEEN)
    token = signed("EdDSA", _KEY, header, payload)
    principal = _admitted(b"Bearer " + token.encode())
    if principal is not None:
        judge_accepted(token, _KEY.public_key, "EdDSA", principal)


def key_set(data: bytes) -> None:
    """Take any document: it is refused as a whole, or its keys can be asked."""
    try:
        keys = read_key_set(data, frozenset(FOR_KEYS))
    except UnusableKeysError:
        return
    assert len(keys) > 0
    for algorithm in FOR_KEYS:
        for key in keys.for_algorithm(algorithm)[:3]:
            assert key.verifies(algorithm, b"message", b"\x01" * 64) is False


def metadata(data: bytes) -> None:
    """Take any document: keys are read over TLS, or not at all."""
    try:
        address = read_jwks_uri(data, ISSUER)
    except FetchFailedError:
        return
    assert address.lower().startswith("https://")
    assert json.loads(data)["issuer"] == ISSUER
    httpx.Request("GET", address)


def planted(data: bytes) -> None:
    """Fail where the input begins with three certain bytes: the fuzzer has to find them."""
    if data[:1] == b"B" and data[1:2] == b"u" and data[2:3] == b"g":
        raise AssertionError("found")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "authorization": authorization,
    "signed_token": signed_token,
    "key_set": key_set,
    "metadata": metadata,
    "planted": planted,
}


def _seeds_of_key_sets() -> list[bytes]:
    keys = [
        {**make().as_dict(private=False), "kid": f"k-{name}", "alg": name, "use": "sig"}
        for name, make in MAKERS.items()
    ]
    return [json.dumps({"keys": [key]}).encode() for key in keys] + [
        json.dumps({"keys": keys, "other": [None, 1.5, "x"]}).encode()
    ]


_HEADER = json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": "k-e"}).encode()
SEEDS: dict[str, list[bytes]] = {
    "authorization": [
        *(f"Bearer {token}".encode() for token in _GOOD),
        b"Bearer a.b.c",
        b"Basic YTpi",
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
    "signed_token": [
        _HEADER + BETWEEN + json.dumps(claims_of()).encode(),
        _HEADER
        + BETWEEN
        + json.dumps(claims_of(nbf=1, aud=["a", AUDIENCE], x={"a": [1]})).encode(),
        b'{"alg":"none"}' + BETWEEN + b"{}",
    ],
    "key_set": _seeds_of_key_sets(),
    "metadata": [json.dumps({"issuer": ISSUER, "jwks_uri": ISSUER + JWKS}).encode(), b"{}"],
    "planted": [b"x"],
}

WORDS = (
    *("alg", "typ", "kid", "crit", "b64", "at+jwt", "application/at+jwt", "none", "HS256", "EdDSA"),
    *("iss", "aud", "sub", "exp", "iat", "nbf", "jti", "client_id", "scope", "roles", "k-e"),
    *("keys", "kty", "crv", "x", "y", "n", "e", "use", "sig", "key_ops", "verify", "EC", "RSA"),
    *(
        "OKP",
        "P-256",
        "Ed25519",
        "issuer",
        "jwks_uri",
        "https://",
        "true",
        "null",
        "1e999",
        "Bearer",
    ),
)
"""Words that the fuzzer may put in, so that it does not have to find them letter by letter."""
