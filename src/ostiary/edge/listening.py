"""Whether the edge's port is free, told before an Envoy is started for nothing."""

import errno
import socket

from ostiary.kernel.errors import OstiaryError, UsageError


def check_port_free(host: str, port: int) -> None:
    """Raise `UsageError` where nobody could listen on the address now.

    Envoys share their port with each other, so a foreign listener is found by binding without
    sharing.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as problem:
            raise _not_free(host, port, problem) from problem


def not_served(host: str, port: int, problem: OstiaryError) -> UsageError:
    """Return the problem of an Envoy that runs and does not listen, or does not route."""
    return UsageError(
        "edge_not_started",
        f"The edge cannot serve on {host}:{port}: {problem.message}",
        hint="Another program may have the port; choose another one.",
    )


def _not_free(host: str, port: int, problem: OSError) -> UsageError:
    if problem.errno == errno.EADDRINUSE:
        return UsageError(
            "port_taken",
            f"Port {port} on {host} is taken by another program.",
            hint="Stop that program, or choose another port.",
        )
    return UsageError(
        "port_not_usable",
        f"Nothing can listen on port {port} of {host}: {problem.strerror}.",
        hint="Choose an address of this machine and a port above 1023.",
    )
