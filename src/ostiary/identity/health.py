"""The health listener: its own socket and its own thread.

Behind the worker's threads a liveness answer would wait for password hashes, and a surge would
make healthy replicas look dead. It asks nothing of the database: tokens go on verifying while
the database is away.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_FULL_SECONDS = 0.1


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
        waiting: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        """Bind the port. Raises `OSError` when it is taken.

        `waiting` says what a replica that is not ready waits for: `problem`, a sentence, and
        `ready_at`, Unix seconds; nothing where it cannot tell.
        """
        identity = {"name": name, "snapshot": snapshot, "pid": os.getpid()}
        answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/live": lambda: _liveness(identity),
            "/ready": lambda: _readiness(identity, ready, waiting),
            "/metrics": lambda: (200, "text/plain; version=0.0.4", metrics()),
        }
        self._server = _Server(address, _handler(answers))

    def start(self) -> None:
        """Answer from now on, until the process ends."""
        threading.Thread(
            target=self._server.serve_forever, name="health-listener", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; wait a moment where there is no file descriptor for it."""
        try:
            return super().get_request()
        except OSError:
            # The connection stays in the queue, and this would be called again at once.
            time.sleep(_FULL_SECONDS)
            raise

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above it
        """Report what went wrong; an edge that was killed and left its connection did not."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _liveness(identity: dict[str, Any]) -> tuple[int, str, bytes]:
    """Say whether users can be served: a process out of file descriptors takes no connection.

    Connections that it has go on, this one too, so it would look healthy for ever.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return 503, "application/json", _json({**identity, "problem": error.strerror})
    return 200, "application/json", _json(identity)


def _readiness(
    identity: dict[str, Any],
    ready: Callable[[], bool],
    waiting: Callable[[], Mapping[str, object]],
) -> tuple[int, str, bytes]:
    if ready():
        return 200, "application/json", _json({**identity, "ready": True})
    return 503, "application/json", _json({**identity, "ready": False, **waiting()})


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
