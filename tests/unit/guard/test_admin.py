"""What a last good replica tells the guard about signing keys, and replicas that tell nothing."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from ostiary.guard.admin import IdentityAdmin

TOKEN = "admin-secret"


@contextmanager
def replica(status: int, body: object) -> Iterator[SimpleNamespace]:
    """Serve one answer to whoever brings the admin token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = (
                self.headers["authorization"] == f"Bearer {TOKEN}" and self.path == "/admin/keys"
            )
            content = json.dumps(body).encode()
            self.send_response(status if known else 401)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield SimpleNamespace(host="127.0.0.1", port=server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(*replicas: SimpleNamespace) -> dict[str, float] | None:
    admin = IdentityAdmin(lambda: replicas, TOKEN)  # type: ignore[arg-type, return-value]
    return asyncio.run(admin.seconds_until_claimable())


def test_it_is_known_when_each_algorithm_can_be_signed_with() -> None:
    with replica(200, {"keys": [], "claimable_in_seconds": {"ES256": 0, "RS256": 41}}) as one:
        assert ask(one) == {"ES256": 0.0, "RS256": 41.0}


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"keys": []}), (200, {"claimable_in_seconds": 5}), (503, {}), (404, {})],
    ids=["an older release", "something else", "the store is away", "no such address"],
)
def test_what_a_replica_cannot_tell_is_not_known(status: int, body: object) -> None:
    with replica(status, body) as one:
        assert ask(one) is None


def test_without_a_replica_nothing_is_known() -> None:
    assert ask() is None
