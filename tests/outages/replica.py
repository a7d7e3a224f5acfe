"""One replica of the login service as a process, and what people and applications do with it."""

import base64
import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.identity_app import STORE_KEY
from tests.system import free_port

ADMIN_TOKEN = "admin-token-of-the-tests"
ISSUER = "http://login.example"
CALLBACK = "https://app.example/callback"
PASSWORD = "correct horse battery"
SECONDS_MAX = 60
_VERIFIER = "v" * 43
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # making a default one takes long


@dataclass(slots=True)
class Replica:
    """A process and its files below `directory`."""

    directory: Path
    database_url: str
    name: str = "identity-first"
    settings: dict[str, Any] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.log"

    def start(self) -> None:
        """Start the process; it need not be ready, nor able to be."""
        files = {"admin.token": ADMIN_TOKEN, "edge.token": "edge-token", "store.key": STORE_KEY}
        for name, text in files.items():
            (self.directory / name).write_text(text)
        configuration = {
            "name": self.name,
            "snapshot": "s-0000000000aa",
            "host": "127.0.0.1",
            "port": self.port,
            "health_port": self.health_port,
            "database_url": self.database_url,
            "issuer": ISSUER,
            "admin_token_file": str(self.directory / "admin.token"),
            "edge_token_file": str(self.directory / "edge.token"),
            "store_key_file": str(self.directory / "store.key"),
            "settings": self.settings,
        }
        path = self.directory / f"{self.name}.json"
        path.write_text(json.dumps(configuration))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ostiary.identity", "--config", str(path)],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            )

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.health_port}/ready", trust_env=False)
            # The health listener is there a moment before the service itself.
            Browser(self).get("/sign-in")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def wait_ready(self) -> None:
        until(self.is_ready, self.said)

    def said(self) -> str:
        return self.log.read_text()[-3000:]

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def admin(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        return Browser(self).request(method, path, json=body, headers=headers)


@dataclass(slots=True)
class Browser:
    """Cookies of one browser; each request has a connection of its own."""

    replica: Replica
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.replica.port}",
            trust_env=False,
            timeout=SECONDS_MAX,
            verify=_NO_TLS,
            cookies=self.cookies,
        ) as client:
            answer = client.request(method, path, **options)
            self.cookies = client.cookies
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@contextmanager
def running(replica: Replica, *, ready: bool = True) -> Iterator[Replica]:
    """Run a replica until the block ends."""
    replica.start()
    try:
        if ready:
            replica.wait_ready()
        yield replica
    finally:
        assert replica.process is not None
        replica.process.send_signal(signal.SIGCONT)
        replica.process.kill()
        replica.process.wait()


def until(holds: Callable[[], object], tell: Callable[[], object] = str) -> None:
    """Return when a condition holds; fail, with what there is to tell, when it never does."""
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.05)


@dataclass(slots=True)
class Person:
    """Somebody with a browser, who is signed in to an application too."""

    replica: Replica
    email: str = "ada@example.org"
    browser: Browser = field(init=False)
    token: str = ""
    secret: str = ""

    def __post_init__(self) -> None:
        self.browser = Browser(self.replica)

    def register(self) -> None:
        answer = self.ask_for_account()
        assert answer.status_code == 201, answer.text

    def ask_for_account(self) -> httpx.Response:
        body = {"email": self.email, "password": PASSWORD, "roles": []}
        return self.replica.admin("POST", "/admin/users", body)

    def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        """Sign in by the form, in a browser that knows nothing of earlier ones."""
        page = self.browser.get("/sign-in")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found, page.text
        form = {"csrf_token": found[1], "email": self.email, "password": password}
        return self.browser.post("/sign-in", data={**form, "return_to": "/demo"})

    def authorize(self) -> httpx.Response:
        digest = hashlib.sha256(_VERIFIER.encode()).digest()
        return self.browser.get(
            "/oauth2/authorize",
            params={
                "client_id": "app",
                "redirect_uri": CALLBACK,
                "response_type": "code",
                "scope": "openid email",
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            },
        )

    def use_application(self) -> None:
        """Register the application, and get a token for this person."""
        client = {
            "client_id": "app",
            "redirect_uris": [CALLBACK],
            "public": False,
            "grants": ["authorization_code"],
        }
        registered = self.replica.admin("POST", "/admin/clients", client)
        assert registered.status_code == 201, registered.text
        self.secret = registered.json()["client_secret"]
        self.token = self.new_token()

    def new_token(self) -> str:
        location = self.authorize().headers["location"]
        form = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(location).query)["code"][0],
            "redirect_uri": CALLBACK,
            "code_verifier": _VERIFIER,
        }
        answer = self.browser.post("/oauth2/token", data=form, auth=("app", self.secret))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def introspect(self, token: str | None = None, *, secret: str = "") -> httpx.Response:
        return self.browser.post(
            "/oauth2/introspect",
            data={"token": token or self.token},
            auth=("app", secret or self.secret),
        )

    def userinfo(self) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return self.browser.get("/oauth2/userinfo", headers=headers)
