"""How clients come in: with TLS or without, under which promises, and within which limits."""

from dataclasses import dataclass, field

CONNECTIONS_MAX = 4_000
"""Default for the connections of clients to one Envoy."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What one Envoy gives to clients; times in seconds.

    `handshake_s` is for the TLS handshake, `headers_s` for the head of a request, `request_s` for
    all of it. `idle_stream_s` is how long either side of a request may be silent, `stream_s` how
    long reading the answer may take beside all of that, and `idle_connection_s` how long a
    connection without a request stays open.
    """

    connections: int = CONNECTIONS_MAX
    handshake_s: float = 10.0
    headers_s: float = 10.0
    request_s: float = 30.0
    idle_stream_s: float = 30.0
    stream_s: float = 60.0
    idle_connection_s: float = 15.0
    heap_mib: int = 1_024


@dataclass(frozen=True, slots=True)
class Entrance:
    """What users meet at the edge.

    `tls` says that the edge ends TLS itself, `https` that users come by https, which is also so
    where a proxy in front ends TLS. `trusts_proxy` takes the client's address from that proxy.
    """

    tls: bool = False
    https: bool = False
    trusts_proxy: bool = False
    limits: ClientLimits = field(default_factory=ClientLimits)
