"""An application sends a person's real browser through the code flow and gets their tokens."""

import base64
import hashlib
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Page

from tests.browser.pages import LoginPages
from tests.system import RunningSystem

pytestmark = [pytest.mark.browser, pytest.mark.system]


class Application(BaseHTTPRequestHandler):
    """A page of the application to which the browser comes back."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>Application</title><h1>Welcome back</h1>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Stay silent: what matters is asserted."""


@pytest.fixture
def redirect_uri() -> Iterator[str]:
    """The address of a running application."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/signed-in"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_browser_comes_back_with_a_code_that_becomes_verified_tokens(
    page: Page, running_system: RunningSystem, redirect_uri: str
) -> None:
    account = running_system.new_account("editor")
    running_system.ostiary(
        "client", "add", "browser-app", "--redirect-uri", redirect_uri, "--public"
    )
    verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    metadata = httpx.get(f"{running_system.issuer}/.well-known/openid-configuration").json()
    question = {
        "response_type": "code",
        "client_id": "browser-app",
        "redirect_uri": redirect_uri,
        "scope": "openid email",
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }

    page.goto(f"{metadata['authorization_endpoint']}?{urlencode(question)}")
    LoginPages(page, running_system.issuer).fill_in(account)
    page.get_by_role("heading", name="Welcome back").wait_for()

    answer = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    assert page.url.startswith(redirect_uri)
    assert answer["state"] == state
    assert answer["iss"] == running_system.issuer
    response = httpx.post(
        metadata["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": redirect_uri,
            "client_id": "browser-app",
            "code_verifier": verifier,
        },
    )
    assert response.status_code == 200, response.text
    tokens = response.json()

    keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
    id_token = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
    access_token = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"])
    assert id_token.claims["nonce"] == nonce
    assert access_token.header["typ"] == "at+jwt"
    assert access_token.claims["roles"] == ["editor"]
    userinfo = httpx.get(
        metadata["userinfo_endpoint"],
        headers={"authorization": f"Bearer {tokens['access_token']}"},
    ).json()
    assert userinfo["sub"] == id_token.claims["sub"] == access_token.claims["sub"]
    assert userinfo["email"] == account.email
