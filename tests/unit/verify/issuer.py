"""A small issuer for tests: real keys, real signatures, and an answer for each address.

It is reached in memory (`transport`), or over real HTTP (`serving`), and can be told to misbehave.
"""

import json
import threading
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.unit.watch.small_provider.wire import HttpServer, Request, Response

ISSUER = "https://login.example"
AUDIENCE = "https://api.example"
NOW = 1_800_000_000.0
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks"

MAKERS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "ES384": lambda: ECKey.generate_key("P-384"),
    "ES512": lambda: ECKey.generate_key("P-521"),
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "Ed25519": lambda: OKPKey.generate_key("Ed25519"),
}


class HandClock:
    """Time that moves only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def unix(self) -> float:
        return NOW + self.seconds

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(algorithm: str, key: Any, header: bytes, payload: bytes) -> str:
    """Return a compact JWS of any bytes, with a good signature."""
    part = f"{encoded(header)}.{encoded(payload)}"
    return f"{part}.{encoded(JWSRegistry.algorithms[algorithm].sign(part.encode(), key))}"


def claims_of(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token; a change to None leaves one out."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u-ada",
        "client_id": "app",
        "iat": int(NOW),
        "exp": int(NOW) + 300,
        "jti": "t-1",
        "scope": "openid orders:read",
        "roles": ["clerk"],
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


class Issuer:
    """Publishes keys and signs tokens. `fault` may answer a request in its stead."""

    def __init__(self, url: str = ISSUER) -> None:
        self.url = url
        self.keys: dict[str, tuple[str, Any]] = {}
        self.requests: Counter[str] = Counter()
        self.max_age: int | None = 60
        self.fault: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.gate = threading.Event()
        self.gate.set()
        self.add_key("k-1")

    def add_key(self, kid: str, algorithm: str = "ES256") -> None:
        self.keys[kid] = (algorithm, MAKERS[algorithm]())

    def token(
        self, kid: str = "k-1", *, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """Return a good token, changed in the given ways, with a good signature."""
        algorithm, key = self.keys[kid]
        head = {"alg": algorithm, "typ": "at+jwt", "kid": kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        payload = claims_of(**{"iss": self.url, **claims})
        return signed(algorithm, key, json.dumps(head).encode(), json.dumps(payload).encode())

    def jwks(self) -> dict[str, Any]:
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": kid, "alg": algorithm, "use": "sig"}
                for kid, (algorithm, key) in self.keys.items()
            ]
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the verifier."""
        self.requests[request.url.path] += 1
        assert self.gate.wait(20)
        wrong = self.fault(request)
        if wrong is not None:
            return wrong
        if request.url.path == DISCOVERY:
            return httpx.Response(200, json={"issuer": self.url, "jwks_uri": self.url + JWKS})
        if request.url.path == JWKS:
            headers = {} if self.max_age is None else {"cache-control": f"max-age={self.max_age}"}
            return httpx.Response(200, json=self.jwks(), headers=headers)
        return httpx.Response(404)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)


def dead(_request: httpx.Request) -> httpx.Response:
    """Answer as an issuer that is not there."""
    raise httpx.ConnectError("connection refused")


@contextmanager
def serving() -> Iterator[Issuer]:
    """Yield an issuer that is reached over real HTTP."""
    issuer = Issuer()

    def answer(request: Request) -> Response:
        got = issuer.answer(httpx.Request(request.method, issuer.url + request.path))
        headers = [(n, v) for n, v in got.headers.items() if n != "content-length"]
        return Response(got.status_code, "ok", got.content, headers)

    server = HttpServer(answer)
    issuer.url = server.url
    try:
        yield issuer
    finally:
        server.close()
