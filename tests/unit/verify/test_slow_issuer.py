"""Issuers on a real network that are slow, or never end: bounded, whatever they do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ostiary.verify import Verifier
from ostiary.verify.keys.fetching import Fetcher, FetchFailedError
from tests.unit.verify.issuer import AUDIENCE, claims_of, serving

Speak = Callable[[socket.socket, threading.Event], None]


@contextmanager
def listening(speak: Speak) -> Iterator[str]:
    """Yield the address of a server that says whatever `speak` says, to each connection."""
    over = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    speak(connection, over)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def silent(_connection: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def dripping_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.02):
        connection.sendall(b"x: y\r\n")


def dripping_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while not over.wait(0.02):
        connection.sendall(b" ")


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        connection.sendall(b" " * 65536)


def no_http(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(b"\x16\x03\x01" + b"\xff" * 100)


def hanging_up(_connection: socket.socket, _over: threading.Event) -> None:
    return


@pytest.mark.parametrize(
    ("speak", "seconds_max", "said"),
    [
        (silent, 0.3, "took longer than 0.3 s"),
        (dripping_headers, 0.3, "took longer than 0.3 s"),
        (dripping_body, 0.3, "took longer than 0.3 s"),
        (endless, 0.3, "sent more than|took longer"),
        # These end by themselves, and are to be told apart from those that take long.
        (no_http, 20, "RemoteProtocolError"),
        (hanging_up, 20, "RemoteProtocolError|ReadError"),
    ],
)
def test_a_fetch_ends_in_time_whatever_the_issuer_does(
    speak: Speak, seconds_max: float, said: str
) -> None:
    with listening(speak) as url, pytest.raises(FetchFailedError, match=said):
        Fetcher(seconds_max=seconds_max).fetch(url)


def test_tokens_are_verified_over_a_real_network() -> None:
    with serving() as issuer:
        verifier = Verifier(issuer=issuer.url, audience=AUDIENCE, fetch_seconds=60, wait_seconds=60)
        with verifier:
            token = issuer.token(**lasting())
            assert verifier.verify(token).subject == "u-ada"
    assert verifier.verify(token)


def lasting() -> dict[str, object]:
    """Return times that hold by the machine's own clock."""
    return claims_of(iss=None) | {"iat": 1, "exp": 4_000_000_000}
