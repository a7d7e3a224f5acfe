"""Asking a replica of another service than identity whether it is ready, and saying why it is not.

Such a program says no name in its answers. So the kernel is asked whether it is the replica that
listens: whoever took its port does not answer for it.
"""

import http.client
from contextlib import closing

from ostiary.runtime.free_ports import is_taken
from ostiary.runtime.listening_ports import listening_ports
from ostiary.runtime.ports import Replica

_ANSWER_SECONDS_MAX = 1.0
_GOOD = range(200, 300)


def why_not_ready(replica: Replica) -> str | None:
    """Return what keeps a replica from being ready, None where nothing does. Blocks for 1 s."""
    listening = listening_ports(replica.own_process)
    for port, variable in _ports(replica).items():
        if port not in listening:
            return _not_listening(replica, port, variable, listening)
    return why_not_healthy(replica)


def why_not_healthy(replica: Replica) -> str | None:
    """Return how its health path is answered if not well, None where it is. Blocks for 1 s."""
    status = _health(replica)
    if status in _GOOD:
        return None
    said = "nothing" if status is None else f"HTTP {status}"
    return f"its health path {replica.health} at port {replica.health_port} is answered by {said}"


def _ports(replica: Replica) -> dict[int, str]:
    return {replica.health_port: "OSTIARY_HEALTH_PORT", replica.port: "OSTIARY_PORT"}


def _not_listening(replica: Replica, port: int, variable: str, listening: set[int]) -> str:
    if others := sorted(listening - set(_ports(replica))):
        bound = ", ".join(map(str, others))
        return f"it listens on port {bound} instead of {port}, which {variable} tells it"
    if is_taken(replica.host, port):
        return f"another process has taken its port {port}"
    return f"it does not listen on port {port}, which {variable} tells it"


def _health(replica: Replica) -> int | None:
    """Return the status of the health path; None where no HTTP answer came in time."""
    connection = http.client.HTTPConnection(
        replica.host, replica.health_port, timeout=_ANSWER_SECONDS_MAX
    )
    with closing(connection):
        try:
            connection.request("GET", replica.health, headers={"host": "replica"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
