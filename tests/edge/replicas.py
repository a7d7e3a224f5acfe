"""Small real HTTP servers that answer as a test tells them, and remember what they were asked."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ostiary.kernel.outcomes import ATTEMPT_HEADER, OUTCOME_HEADER, REQUEST_ID_HEADER


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        return self.headers[REQUEST_ID_HEADER]

    @property
    def attempt(self) -> int:
        return int(self.headers[ATTEMPT_HEADER])


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    outcome: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    hang: bool = False
    raw: bytes | None = None
    """Sent instead of all that, before the connection is closed."""
    stall: bool = False
    """Whether the connection is kept open after `raw`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Replica:
    """A server on a free port. `answer` may be exchanged at any time."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.health = 200
        self.hang_health = False
        self.seen: list[Request] = []
        self.health_checks: list[str] = []
        self.unhealthy_hosts: set[str] = set()
        self._released = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        if self._released.is_set():
            return
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        # Kept connections would otherwise be served on.
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        replica = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                return

            def _respond(self) -> None:
                replica._serve(self)

            def handle(self) -> None:
                replica._connections.add(self.connection)
                try:
                    super().handle()
                except ConnectionError:
                    self.close_connection = True
                finally:
                    replica._connections.discard(self.connection)

            def finish(self) -> None:
                try:
                    super().finish()
                except ConnectionError:
                    return

        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._respond)
        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        if handler.path == "/live" or handler.path.startswith("/lease/"):
            self.health_checks.append(handler.path)
            unhealthy = handler.headers.get("host") in self.unhealthy_hosts
            reply = Reply(503 if unhealthy else self.health, hang=self.hang_health)
        else:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            request = Request(handler.command, handler.path, headers, body)
            self.seen.append(request)
            reply = self.answer(request)
        if reply.hang:
            self._released.wait()
            handler.close_connection = True
            return
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()
            handler.close_connection = True
            return
        if reply.raw is not None:
            handler.wfile.write(reply.raw)
            handler.wfile.flush()
            if reply.stall:
                self._released.wait()
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        handler.send_header("content-length", str(len(reply.body)))
        if reply.outcome is not None:
            handler.send_header(OUTCOME_HEADER, reply.outcome)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body)
        handler.wfile.flush()


def always(reply: Reply) -> Callable[[Request], Reply]:
    return lambda _: reply


@contextmanager
def replica(reply: Reply) -> Iterator[Replica]:
    running = Replica(always(reply))
    try:
        yield running
    finally:
        running.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
