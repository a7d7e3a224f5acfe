"""What a last good replica tells the guard about signing keys, and replicas that tell nothing."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.guard.admin import AdminUnavailableError, IdentityAdmin

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

        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield SimpleNamespace(host="127.0.0.1", port=server.server_address[1], asked=asked)
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


def tell_all(
    replicas: list[SimpleNamespace], *others: SimpleNamespace, copies_age: float = 0.0
) -> dict[str, Any]:
    admin = IdentityAdmin(
        lambda: replicas,  # type: ignore[arg-type, return-value]
        TOKEN,
        copy_seconds_max=copies_age,
    )
    return asyncio.run(admin.request_of_all("/admin/it", {"order": "r"}, others))  # type: ignore[arg-type]


def test_every_replica_is_told_and_the_first_ones_answer_is_returned() -> None:
    with replica(200, {"users": 1}) as one, replica(200, {}) as two, replica(200, {}) as canary:
        assert tell_all([one, two], canary, copies_age=3600.0) == {"users": 1}
        assert all("/admin/it" in each.asked for each in (one, two, canary))


@pytest.mark.parametrize("status", [404, 503])
def test_one_that_cannot_be_told_goes_by_its_own_copy_of_the_keys_until_that_is_old(status) -> None:
    began = time.monotonic()
    with replica(200, {"users": 1}) as one, replica(status, {}) as two:
        assert tell_all([one, two], copies_age=0.3) == {"users": 1}
    gone = SimpleNamespace(host="127.0.0.1", port=1)
    with replica(200, {"users": 2}) as one:
        assert tell_all([gone, one], copies_age=0.3) == {"users": 2}
    assert time.monotonic() - began >= 0.6, "both were waited for"


def test_where_the_first_one_cannot_do_it_nothing_is_claimed() -> None:
    with replica(503, {"error": "store_unavailable"}) as one, replica(200, {}) as two:
        with pytest.raises(AdminUnavailableError):
            tell_all([one, two])
        assert two.asked == []
