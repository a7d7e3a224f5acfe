"""The health listener: its own socket and its own thread.

Behind the worker's threads a liveness answer would wait for password hashes, and a surge would
make healthy replicas look dead. It asks nothing of the database: tokens go on verifying while
the database is away.
"""

import json
import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HealthListener:
    """Answers `/live`, `/ready` and `/metrics` on a port of its own."""

    def __init__(
        self,
        address: tuple[str, int],
        *,
        name: str,
        snapshot: str,
        ready: Callable[[], bool],
        metrics: Callable[[], bytes],
    ) -> None:
        """Bind the port. Raises `OSError` when it is taken."""
        identity = {"name": name, "snapshot": snapshot, "pid": os.getpid()}
        answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/live": lambda: (200, "application/json", _json(identity)),
            "/ready": lambda: _readiness(identity, is_ready=ready()),
            "/metrics": lambda: (200, "text/plain; version=0.0.4", metrics()),
        }
        self._server = ThreadingHTTPServer(address, _handler(answers))
        self._server.daemon_threads = True

    def start(self) -> None:
        """Answer from now on, until the process ends."""
        threading.Thread(
            target=self._server.serve_forever, name="health-listener", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()


def _readiness(identity: dict[str, Any], *, is_ready: bool) -> tuple[int, str, bytes]:
    status = 200 if is_ready else 503
    return status, "application/json", _json({**identity, "ready": is_ready})


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def _handler(
    answers: dict[str, Callable[[], tuple[int, str, bytes]]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            answer = answers.get(self.path.partition("?")[0])
            if answer is None:
                status, content_type, body = 404, "text/plain", b"not found\n"
            else:
                status, content_type, body = answer()
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Stay silent: health checks arrive several times a second."""

    return Handler
