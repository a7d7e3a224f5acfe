"""Two versions of a small OpenID provider, each answering at an address of its own."""

from typing import Any

from tests.unit.watch.own_journeys.conftest import of_json
from tests.unit.watch.small_provider.wire import HttpServer, Request, Response

ISSUER = "http://login.example.test"
KEYS = [{"kty": "EC", "crv": "P-256", "kid": kid, "x": "AA", "y": "AA"} for kid in ("one", "two")]


def document(**changes: Any) -> dict[str, Any]:
    """Return a discovery document; a change to None takes an entry away."""
    whole = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


class Version:
    """One version; a test changes what it publishes and how it answers for tokens."""

    def __init__(self) -> None:
        self.document = document()
        self.keys: Any = {"keys": KEYS}
        self.token = of_json({"access_token": "t", "token_type": "Bearer"})
        self.broken: Response | None = None
        self.hangs_up = False
        self.seen: list[Request] = []
        self.server = HttpServer(self._answer)

    @property
    def url(self) -> str:
        return self.server.url

    def _answer(self, request: Request) -> Response | None:
        self.seen.append(request)
        if self.hangs_up:
            return None
        if self.broken is not None:
            return self.broken
        answers = {
            "/.well-known/openid-configuration": of_json(self.document),
            "/jwks": of_json(self.keys),
            "/token": self.token,
        }
        return answers.get(request.path, Response(404, "", b"not here"))
