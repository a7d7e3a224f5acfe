"""Serve the API at the port that Ostiary tells, until SIGTERM."""

import json
import os
import signal
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from orders.store import Orders
from orders.who import Tokens, verifier
from ostiary.verify import KeysUnavailableError, Principal, TokenRefusedError

CLERK = "clerk"
"""Role of those who see the orders of everybody."""

_BODY_BYTES_MAX = 16 * 1024
_QUANTITY_MAX = 1_000
_ITEM_CHARACTERS_MAX = 200
_RETRY_AFTER = {"retry-after": "5"}
_BEARER = {"www-authenticate": "Bearer"}


class Handler(BaseHTTPRequestHandler):
    """Answers one request; `orders` and `tokens` are set by `main`."""

    protocol_version = "HTTP/1.1"
    orders: Orders
    tokens: Tokens

    def do_GET(self) -> None:
        """List orders: one's own, or those of everybody."""
        path = self.path.partition("?")[0]
        if path == "/health":
            self._health()
        elif path == "/orders":
            self._for_person(self._own)
        elif path == "/orders/all":
            self._for_person(self._everybodys)
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."})

    def do_POST(self) -> None:
        """Make an order."""
        body = self._body()
        if self.path != "/orders":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "There is nothing here."})
        else:
            self._for_person(lambda person: self._order(person, body))

    def _health(self) -> None:
        if self.tokens.had_keys():
            self._answer(HTTPStatus.OK, {"healthy": True})
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"healthy": False}, _RETRY_AFTER)

    def _own(self, person: Principal) -> None:
        self._answer(HTTPStatus.OK, {"orders": self.orders.of(person.subject)})

    def _everybodys(self, person: Principal) -> None:
        if not person.has_role(CLERK):
            self._answer(HTTPStatus.FORBIDDEN, {"error": f"Only the role {CLERK} may do this."})
        else:
            self._answer(HTTPStatus.OK, {"orders": self.orders.all()})

    def _order(self, person: Principal, body: bytes) -> None:
        try:
            said = json.loads(body)
            item, quantity = said["item"], said["quantity"]
        except (ValueError, LookupError, TypeError, RecursionError):
            item, quantity = None, None
        if not isinstance(item, str) or not 0 < len(item.strip()) <= _ITEM_CHARACTERS_MAX:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "Write an `item` as text."})
        elif type(quantity) is not int or not 0 < quantity <= _QUANTITY_MAX:
            words = f"Write a `quantity` from 1 to {_QUANTITY_MAX}."
            self._answer(HTTPStatus.BAD_REQUEST, {"error": words})
        else:
            # The edge gives each request an id, the same one when it asks another replica.
            request = self.headers.get("x-request-id")
            order = self.orders.add(person.subject, item.strip(), quantity, request)
            self._answer(HTTPStatus.CREATED, order)

    def _for_person(self, answer: Callable[[Principal], None]) -> None:
        """Answer for whom the token stands, 401 without one, 503 where nobody can say.

        A bug is a 500, and its trace is in the log.
        """
        try:
            answer(self.tokens.holder(self.headers.get("authorization")))
        except TokenRefusedError:
            self._answer(HTTPStatus.UNAUTHORIZED, {"error": "Sign in first."}, _BEARER)
        except (KeysUnavailableError, sqlite3.Error):
            error = {"error": "Please try again in a few seconds."}
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, error, _RETRY_AFTER)
        except Exception:  # noqa: BLE001 - whatever it is, the client is told something
            traceback.print_exc()
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "Something went wrong here."})

    def _body(self) -> bytes:
        length = self.headers.get("content-length", "0")
        size = int(length) if length.isdecimal() else 0
        if size > _BODY_BYTES_MAX:
            self.close_connection = True
            return b""
        return self.rfile.read(size)

    def _answer(
        self, status: HTTPStatus, content: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text: str, *values: object) -> None:
        """Write nothing for each request: the edge counts them."""


def main() -> None:
    """Serve until SIGTERM; requests under way are answered."""
    Handler.tokens = Tokens(verifier())
    Handler.orders = Orders(Path(os.environ["OSTIARY_DATA_DIRECTORY"], "orders.db"))
    address = (os.environ["OSTIARY_HOST"], int(os.environ["OSTIARY_PORT"]))
    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = False
    # Not from the handler itself: `shutdown` waits for the loop that the signal interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stderr.write(f"serving orders on port {address[1]}\n")
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
