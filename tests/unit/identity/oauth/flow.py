"""A relying party in a test: it asks for codes, redeems and refreshes, and reads answers."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from falcon import testing

from tests.identity_app import Edge, IdentityService

VERIFIER = "a-code-verifier-of-exactly-43-characters-xyz"
REDIRECT_URI = "https://app.example/callback"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def location_of(answer: testing.Result) -> tuple[str, dict[str, str]]:
    """Return where a redirect leads, without its query, and the query's parameters."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    return parts._replace(query="").geturl(), dict(parse_qsl(parts.query))


def decoded(token: str, part: int = 1) -> dict[str, Any]:
    """Return header (0) or claims (1) of a JWT, unverified."""
    text = token.split(".")[part]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return value


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the header of HTTP Basic authentication."""
    text = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"authorization": f"Basic {text}"}


def bearer(token: str) -> dict[str, str]:
    """Return the header that presents an access token."""
    return {"authorization": f"Bearer {token}"}


@dataclass(slots=True)
class RelyingParty:
    """A public client and the browser of somebody who uses it."""

    service: IdentityService
    browser: Edge
    client_id: str = "app"
    scope: str = "openid profile email"

    def address(self, **changed: str | None) -> str:
        """Return the path that asks for a code; None drops a parameter."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": self.scope,
            "state": "the state",
            "nonce": "the nonce",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changed,
        }
        kept = {name: value for name, value in parameters.items() if value is not None}
        return f"/oauth2/authorize?{urlencode(kept)}"

    def authorize(self, **options: Any) -> testing.Result:
        """Send the browser to the authorization endpoint."""
        return self.browser.get(self.address(), **options)

    def code(self) -> str:
        """Return a fresh code; somebody is signed in."""
        where, parameters = location_of(self.authorize())
        assert where == REDIRECT_URI
        return parameters["code"]

    def token_form(self, code: str, **changed: str) -> dict[str, str]:
        """Return the form that redeems a code."""
        return {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            "code": code,
            **changed,
        }

    def redeem(
        self, code: str, *, at: IdentityService | None = None, **options: Any
    ) -> testing.Result:
        """Redeem a code, at another replica if need be."""
        return self._edge(at).request(
            "POST", "/oauth2/token", form=self.token_form(code), **options
        )

    def refresh(
        self, token: str, *, at: IdentityService | None = None, **options: Any
    ) -> testing.Result:
        """Use a refresh token, at another replica if need be."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": token,
        }
        return self._edge(at).request("POST", "/oauth2/token", form=form, **options)

    def tokens(self) -> dict[str, Any]:
        """Return fresh tokens; somebody is signed in."""
        answer = self.redeem(self.code())
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def userinfo(self, access_token: str, *, at: IdentityService | None = None) -> testing.Result:
        """Ask who the user is."""
        return self._edge(at).request("GET", "/oauth2/userinfo", headers=bearer(access_token))

    def _edge(self, at: IdentityService | None) -> Edge:
        return (at or self.service).edge()
