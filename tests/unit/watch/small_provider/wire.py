"""Requests and responses of the small provider, and its HTTP server."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SAFE_HEADERS = [
    ("cache-control", "no-store"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
]


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes
    repeats: bool = False

    @property
    def bearer(self) -> str | None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else None

    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Response:
    status: int
    outcome: str
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of_json(cls, status, outcome, document, *headers):
        content = [("content-type", "application/json"), ("cache-control", "no-store"), *headers]
        return cls(status, outcome, json.dumps(document).encode(), content)

    @classmethod
    def page(cls, status, outcome, html, *headers):
        content = [("content-type", "text/html; charset=utf-8"), *SAFE_HEADERS, *headers]
        return cls(status, outcome, html.encode(), content)

    @classmethod
    def redirect(cls, location, outcome="ok", *headers, status=303):
        return cls(status, outcome, b"", [("location", location), *headers])

    def without(self, name: str) -> "Response":
        self.headers = [each for each in self.headers if each[0] != name]
        return self


Answer = Callable[[Request], Response | None]
"""None drops the connection without an answer."""


class HttpServer:
    """Serves `answer` on a free loopback port until it is closed."""

    def __init__(self, answer: Answer) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(answer))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address) -> None:
        """Clients may go away at any time; that is no news."""


def _handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_):
            return

        def do_GET(self):
            self._serve()

        def do_POST(self):
            self._serve()

        def do_PUT(self):
            self._serve()

        def do_DELETE(self):
            self._serve()

        def _serve(self):
            response = answer(self._request())
            if response is None:
                self.close_connection = True
                return
            head = [f"HTTP/1.1 {response.status} Status"]
            head += [f"{name}: {value}" for name, value in response.headers]
            head += [f"content-length: {len(response.body)}", "", ""]
            self.wfile.write("\r\n".join(head).encode() + response.body)

        def _request(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kind = self.headers.get("content-type", "")
            form = _flat(body.decode()) if kind.startswith("application/x-www-form") else {}
            cookies = SimpleCookie(self.headers.get("cookie", ""))
            return Request(
                self.command,
                parts.path,
                _flat(parts.query),
                form,
                {name.lower(): value for name, value in self.headers.items()},
                {name: morsel.value for name, morsel in cookies.items()},
                body,
                repeats(parts.query),
            )

    return Handler


def _flat(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query).items()}


def repeats(query: str) -> bool:
    """Return whether a parameter stands in a query twice (RFC 6749, section 3.1)."""
    return any(len(values) > 1 for values in parse_qs(query).values())
