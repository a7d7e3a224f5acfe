"""Where the guard's journeys go."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from ostiary.watch.relying_party.connections import KeptConnections


@dataclass(frozen=True, slots=True)
class TrialPlace:
    """Where journeys go. `edge_url` is the edge's own address, `issuer` what users call it.

    `edge_transport` makes what connects to the edge, which has a certificate of its own.
    """

    edge_url: str
    issuer: str
    leeway_seconds: float
    admin_token: str = field(repr=False)
    pin_token: str = field(repr=False)
    edge_transport: Callable[[], httpx.AsyncBaseTransport] = KeptConnections
