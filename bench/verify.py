"""What checking an access token costs in an API: the middleware of `ostiary.verify` against the
bare check of the signature, and against PyJWT and joserfc by themselves, all in the same run.

All take turns, and CPU time of the thread is counted, so that neighbours matter little. A token
that is *new* was never seen before; one that is *seen* was checked by this process already. The
others do not remember tokens. PyJWT and joserfc are asked for the same checks as far as they have
them: signature, issuer, audience, times, and the claims that must be there.

Run: .venv/bin/python bench/verify.py [--rounds N] [--calls N]
"""

import argparse
import json
import statistics
import time
import warnings
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import httpx
import jwt as pyjwt
from _measured import spread
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from ostiary.verify import Verifier, VerifyASGI, VerifyWSGI

ISSUER, AUDIENCE = "https://login.example", "https://api.example"
NEW_LIMIT, SEEN_LIMIT_US = 1.5, 5.0
KEYS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "RS256": lambda: RSAKey.generate_key(2048),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
NEEDED = ["iss", "aud", "sub", "exp", "iat", "jti", "client_id"]


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def token_of(algorithm: str, key: Any) -> str:
    """Return a token as Ostiary mints it for a user."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "01JADAADAADAADAADAADAADAAD",
        "client_id": "orders-web",
        "iat": now,
        "exp": now + 3600,
        "scope": "openid email profile orders:read",
        "roles": ["clerk", "chief"],
        "auth_time": now,
        "grant_id": "g" * 26,
        "jti": "t" * 43,
    }
    header = {"alg": algorithm, "kid": "k" * 43, "typ": "at+jwt"}
    part = ".".join(encoded(json.dumps(each).encode()) for each in (header, claims))
    return f"{part}.{encoded(JWSRegistry.algorithms[algorithm].sign(part.encode(), key))}"


def bare_check(algorithm: str, key: Any, token: str) -> Callable[[], object]:
    """Return the check of a signature and nothing else, by cryptography."""
    public, (text, _, last) = key.public_key, token.rpartition(".")
    signed, signature = text.encode(), urlsafe_b64decode(last + "==")
    if algorithm == "ES256":
        halves = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        der, scheme = encode_dss_signature(*halves), ec.ECDSA(hashes.SHA256())
        return lambda: public.verify(der, signed, scheme)
    if algorithm == "RS256":
        return lambda: public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    return lambda: public.verify(signature, signed)


def verifier_of(algorithm: str, key: Any, *, seen_tokens_max: int) -> Verifier:
    published = {**key.as_dict(private=False), "kid": "k" * 43, "alg": algorithm}

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"keys": [published]})

    verifier = Verifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        jwks_uri=f"{ISSUER}/jwks",
        seen_tokens_max=seen_tokens_max,
        transport=httpx.MockTransport(answer),
    )
    assert verifier.warm_up()
    return verifier


def by_wsgi(verifier: Verifier, token: str) -> Callable[[], object]:
    """Return one request through the WSGI middleware to an application that does nothing."""
    middleware = VerifyWSGI(lambda _environ, _start: [], verifier)
    header = f"Bearer {token}"
    return lambda: middleware({"PATH_INFO": "/", "HTTP_AUTHORIZATION": header}, print)


def by_asgi(verifier: Verifier, token: str) -> Callable[[], object]:
    """Return one request through the ASGI middleware, driven without an event loop."""

    async def nothing(*_: Any) -> None:
        return None

    middleware = VerifyASGI(nothing, verifier)
    headers = [(b"host", b"api.example"), (b"authorization", f"Bearer {token}".encode())]

    def call() -> None:
        scope = {"type": "http", "path": "/", "headers": headers}
        try:
            middleware(scope, nothing, nothing).send(None)
        except StopIteration:
            return
        raise AssertionError("it waited")

    return call


def by_pyjwt(algorithm: str, key: Any, token: str) -> Callable[[], object]:
    public, options = key.public_key, {"require": NEEDED}
    return lambda: pyjwt.decode(
        token, public, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER, options=options
    )


def by_joserfc(algorithm: str, key: Any, token: str) -> Callable[[], object]:
    public = type(key).import_key(key.as_dict(private=False))
    rules = {name: {"essential": True} for name in NEEDED}
    rules |= {
        "iss": {"essential": True, "value": ISSUER},
        "aud": {"essential": True, "value": AUDIENCE},
    }
    registry = joserfc_jwt.JWTClaimsRegistry(**rules)
    return lambda: registry.validate(joserfc_jwt.decode(token, public, [algorithm]).claims)


def microseconds(call: Callable[[], object], calls: int) -> float:
    began = time.thread_time_ns()
    for _ in range(calls):
        call()
    return (time.thread_time_ns() - began) / calls / 1000


def measure(algorithm: str, rounds: int, calls: int) -> dict[str, list[float]]:
    """Return microseconds of CPU for each way, round by round."""
    key = KEYS[algorithm]()
    token = token_of(algorithm, key)
    new = verifier_of(algorithm, key, seen_tokens_max=0)
    seen = verifier_of(algorithm, key, seen_tokens_max=16)
    ways = {
        "signature alone": bare_check(algorithm, key, token),
        "verify, new": lambda: new.verify(token),
        "WSGI, new": by_wsgi(new, token),
        "ASGI, new": by_asgi(new, token),
        "PyJWT": by_pyjwt(algorithm, key, token),
        "joserfc": by_joserfc(algorithm, key, token),
        "verify, seen": lambda: seen.verify(token),
        "WSGI, seen": by_wsgi(seen, token),
        "ASGI, seen": by_asgi(seen, token),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    with new, seen:
        for number in range(rounds + 1):
            for name, call in ways.items():
                more = 10 if name.endswith("seen") else 1
                taken = microseconds(call, calls * more)
                if number:  # the first round warms up
                    found[name].append(taken)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for algorithm in KEYS:
        found = measure(algorithm, options.rounds, options.calls)
        bare = found["signature alone"]
        print(f"{algorithm}: signature alone {spread(bare)} µs")
        for name in ("verify, new", "WSGI, new", "ASGI, new", "PyJWT", "joserfc"):
            ratios = [each / one for each, one in zip(found[name], bare, strict=True)]
            limit = f", limit {NEW_LIMIT}" if name.endswith("new") else ""
            taken = statistics.median(found[name])
            print(f"  {name:14} {taken:6.1f} µs, {spread(ratios)} times the signature{limit}")
        for name in ("verify, seen", "WSGI, seen", "ASGI, seen"):
            print(f"  {name:14} {spread(found[name])} µs, limit {SEEN_LIMIT_US:.0f} µs")
    print(
        f"{options.rounds} rounds, {options.calls} calls each (ten times as many of what was seen)"
    )


if __name__ == "__main__":
    main()
