"""Knowing who is at the other end of a Unix socket.

The kernel notes the user id of a process when it connects. The server does not pass that on, so
its protocol is extended by the one thing that is missing: the id goes into the state of each
request (ASGI, lifespan state) on this connection.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Mapping
from typing import Any, Protocol

from uvicorn.protocols.http.h11_impl import H11Protocol

_STATE_KEY = "peer_uid"
_CREDENTIALS = struct.Struct("iII")
"""`struct ucred`: process, user and group id (unix(7), SO_PEERCRED)."""

CONNECTIONS_MAX = 16
"""Connections that one user may hold open: others must not be kept out, nor files run out."""


class _Socket(Protocol):
    """What is needed of a connected socket."""

    @property
    def family(self) -> int:
        """The address family."""
        ...

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return an option's value."""
        ...


class PeerProtocol(H11Protocol):
    """HTTP/1.1 on a Unix socket, each request knowing the user id of its peer."""

    peer_uid: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who has connected; break off where this user holds too many connections."""
        super().connection_made(transport)  # type: ignore[arg-type] # the server's own narrowing
        self.peer_uid = uid_of(transport.get_extra_info("socket"))
        self.app_state = {**self.app_state, _STATE_KEY: self.peer_uid}
        if self.peer_uid not in (0, os.geteuid()) and self._held() > CONNECTIONS_MAX:
            self.transport.abort()

    def _held(self) -> int:
        return sum(getattr(each, "peer_uid", None) == self.peer_uid for each in self.connections)


def uid_of(connected: _Socket) -> int | None:
    """Return the user id of the process at the other end; None where there is no such thing."""
    if connected.family != socket.AF_UNIX:
        return None
    content = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(content)[1])


def peer_uid(scope: Mapping[str, Any]) -> int | None:
    """Return the user id that `PeerProtocol` has noted for a request; None where it has not."""
    uid = scope.get("state", {}).get(_STATE_KEY)
    return uid if isinstance(uid, int) else None
