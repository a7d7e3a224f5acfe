"""The whole login service inside a test: real application, real store, a clock moved by hand.

    service = build_identity(tmp_path)
    service.add_user("ada@example.org", "correct horse battery")
    answer = service.client().simulate_get("/demo")

`Edge` speaks to it as Envoy would: with the edge token, a request id and an attempt number.
"""

import atexit
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from falcon import testing
from pydantic import TypeAdapter
from sqlalchemy import Engine, event

from ostiary.identity import wiring
from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.flags.definition import FlagDefinition, FlagDefinitions
from ostiary.identity.passwords.hash_pool import HashPool
from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.migration import migrate
from ostiary.identity.wiring import Identity, build
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.outcomes import (
    ATTEMPT_HEADER,
    EDGE_HEADER,
    OUTCOME_HEADER,
    RECEIVED_HEADER,
    REQUEST_ID_HEADER,
)
from tests.fakes.clock import FakeClock

ADMIN_TOKEN = "admin-token-of-the-tests"
EDGE_TOKEN = "edge-token-of-the-tests"
STORE_KEY = "c3RvcmUta2V5LW9mLXRoZS10ZXN0cy0zMi1ieXRlcyE"
ISSUER = "http://login.example"
SNAPSHOT = "s-0000000000aa"
_FLAGS: TypeAdapter[dict[str, FlagDefinition]] = TypeAdapter(FlagDefinitions)
QUICK_SETTINGS: dict[str, Any] = {"hash_memory_kib": 8192, "hash_time_cost": 1}
"""The cheapest password hash that the settings allow: tests hash a lot."""


@dataclass(slots=True)
class IdentityService:
    """A built service and what it was built from. `store` is a second view of the same store."""

    identity: Identity
    configuration: ReplicaConfiguration
    store: Store
    clock: FakeClock
    rng: SeededRandom
    replicas: list["IdentityService"] = field(default_factory=list)

    def close(self) -> None:
        """Let go of the store, also for the replicas that were built beside this one."""
        for service in (*self.replicas, self):
            service.identity.close()
        self.store.close()

    def client(self) -> testing.TestClient:
        """Return a client that talks to the replica's own port, without the edge."""
        return testing.TestClient(self.identity.app, headers={"host": "login.example"})

    def edge(self, **options: Any) -> "Edge":
        """Return a browser behind the edge."""
        return Edge(self, **options)

    def admin(
        self, method: str, path: str, body: object = None, *, token: str = ADMIN_TOKEN
    ) -> testing.Result:
        """Call the admin API with its token."""
        return self.client().simulate_request(
            method,
            path,
            headers={"authorization": f"Bearer {token}"},
            json=body,
        )

    def add_user(
        self,
        email: str = "ada@example.org",
        password: str = "correct horse battery",
        *,
        roles: tuple[str, ...] = (),
        probe: bool = False,
    ) -> dict[str, Any]:
        """Create a user through the admin API and return its JSON."""
        body = {"email": email, "password": password, "roles": list(roles), "probe": probe}
        answer = self.admin("POST", "/admin/users", body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json
        return created

    def add_client(self, client_id: str = "app", **fields: Any) -> dict[str, Any]:
        """Create an OAuth client through the admin API and return its JSON."""
        body = {
            "client_id": client_id,
            "redirect_uris": ["https://app.example/callback"],
            "public": True,
            "grants": ["authorization_code", "refresh_token"],
            **fields,
        }
        answer = self.admin("POST", "/admin/clients", body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json
        return created

    def replica(
        self,
        *,
        name: str = "identity-second",
        snapshot: str = SNAPSHOT,
        flags: dict[str, Any] | None = None,
        **settings: Any,
    ) -> "IdentityService":
        """Build another replica on the same store, clock and randomness."""
        configuration = self.configuration.model_copy(
            update={
                "name": name,
                "snapshot": snapshot,
                "flags": _FLAGS.validate_json(json.dumps(flags or {})),
                "settings": self.configuration.settings.model_copy(update=settings),
            }
        )
        identity = build(configuration, clock=self.clock, rng=self.rng)
        replica = IdentityService(identity, configuration, self.store, self.clock, self.rng)
        self.replicas.append(replica)
        return replica


@dataclass(slots=True)
class Edge:
    """A browser with a cookie jar, speaking through the edge."""

    service: IdentityService
    secure: bool = False
    client_address: str = "203.0.113.7"
    cookies: dict[str, str] = field(default_factory=dict)

    def request(
        self,
        method: str,
        path: str,
        *,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        request_id: str | None = None,
        attempt: int = 1,
        body: bytes | str | None = None,
    ) -> testing.Result:
        """Send one request; keep the cookies of its answer unless it was only an attempt."""
        sent = {
            "host": "login.example",
            EDGE_HEADER: EDGE_TOKEN,
            REQUEST_ID_HEADER: request_id or self.service.rng.hex(16),
            ATTEMPT_HEADER: str(attempt),
            RECEIVED_HEADER: stamp(self.service.clock.now()),
            "x-forwarded-for": self.client_address,
            "x-forwarded-proto": "https" if self.secure else "http",
            "accept": "text/html,application/xhtml+xml",
        }
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(form)
        path, _, query = path.partition("?")
        client = testing.TestClient(self.service.identity.app)
        return client.simulate_request(
            method, path, query_string=query, headers={**sent, **(headers or {})}, body=body
        )

    def keep(self, answer: testing.Result) -> testing.Result:
        """Take over the answer's cookies, as a browser does with the answer that it sees."""
        for name, cookie in answer.cookies.items():
            if cookie.max_age == 0 or not cookie.value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = cookie.value
        return answer

    def get(self, path: str, **options: Any) -> testing.Result:
        """Open a page."""
        return self.keep(self.request("GET", path, **options))

    def post(self, path: str, form: dict[str, str], **options: Any) -> testing.Result:
        """Submit a form as it stands."""
        return self.keep(self.request("POST", path, form=form, **options))

    def submit(self, path: str, form: dict[str, str], **options: Any) -> testing.Result:
        """Open a page, fill in its form, and submit it with the page's own CSRF token."""
        return self.post(path, {"csrf_token": self.csrf_token(path), **form}, **options)

    def csrf_token(self, path: str = "/sign-in") -> str:
        """Open a page and return the token of its form."""
        return csrf_token_of(self.get(path))

    def sign_in(
        self,
        email: str = "ada@example.org",
        password: str = "correct horse battery",
        *,
        return_to: str = "/demo",
        **options: Any,
    ) -> testing.Result:
        """Sign in by the form."""
        form = {"email": email, "password": password, "return_to": return_to}
        return self.submit("/sign-in", form, **options)


def build_identity(
    directory: Path,
    *,
    database_url: str | None = None,
    snapshot: str = SNAPSHOT,
    issuer: str = ISSUER,
    **settings: Any,
) -> IdentityService:
    """Build the service in `directory`; on SQLite there unless another store is named."""
    directory.mkdir(parents=True, exist_ok=True)
    database = directory / "identity.db"
    secrets = {"admin.token": ADMIN_TOKEN, "edge.token": EDGE_TOKEN, "store.key": STORE_KEY}
    for name, secret in secrets.items():
        (directory / name).write_text(secret)
    configuration = ReplicaConfiguration.model_validate_json(
        json.dumps(
            {
                "name": "identity-first",
                "snapshot": snapshot,
                "host": "127.0.0.1",
                "port": 1,
                "health_port": 2,
                "database_url": database_url or f"sqlite:///{database}",
                "issuer": issuer,
                "admin_token_file": str(directory / "admin.token"),
                "edge_token_file": str(directory / "edge.token"),
                "store_key_file": str(directory / "store.key"),
                "settings": {**QUICK_SETTINGS, **settings},
            }
        )
    )
    if database_url is None and not database.exists():
        database.write_bytes(_migrated())
    clock, rng = FakeClock(), SeededRandom(7)
    with patch.object(wiring, "HashPool", _kept_pool):
        identity = build(configuration, clock=clock, rng=rng)
    return IdentityService(
        identity, configuration, open_store(configuration.database_url), clock, rng
    )


class _KeptPool(HashPool):
    """Hash processes that serve the next tests too: to start one takes as long as a small test."""

    def close(self) -> None:
        """Leave them to the end of the run."""


@cache
def _kept_pool(size: int) -> HashPool:
    pool = _KeptPool(size)
    atexit.register(HashPool.close, pool)
    return pool


@cache
def _migrated() -> bytes:
    """Return the file of a store that was only migrated: once, since a thousand tests need one."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "identity.db"
        store = open_store(f"sqlite:///{path}")
        migrate(store)
        store.close()
        return path.read_bytes()


def stamp(moment: datetime) -> str:
    """Return how the edge names the moment at which it had received a request."""
    return f"{moment.timestamp():.3f}+0"


def outcome_of(answer: testing.Result) -> str:
    """Return the outcome that an answer names, without its snapshot."""
    return answer.headers[OUTCOME_HEADER].partition("/")[2]


def csrf_token_of(answer: testing.Result) -> str:
    """Return the token in the first form of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found.group(1)


@dataclass(slots=True)
class Statements:
    """SQL statements that ran, in order, on whichever engine of the process."""

    texts: list[str] = field(default_factory=list)

    @property
    def reads(self) -> list[str]:
        """Return the SELECT statements."""
        return [text for text in self.texts if text.lstrip().upper().startswith("SELECT")]

    @property
    def writes(self) -> list[str]:
        """Return the statements that change rows."""
        verbs = ("INSERT", "UPDATE", "DELETE")
        return [text for text in self.texts if text.lstrip().upper().startswith(verbs)]

    @property
    def write_transactions(self) -> int:
        """Return how many write transactions were opened; SQLite only."""
        return sum(text.startswith("BEGIN IMMEDIATE") for text in self.texts)


@contextmanager
def counted_statements() -> Iterator[Statements]:
    """Record every SQL statement that runs inside the block."""
    statements = Statements()

    def record(_connection, _cursor, text, _parameters, _context, _many) -> None:
        statements.texts.append(text)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", record)
