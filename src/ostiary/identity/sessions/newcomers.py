"""How long the next sign-up has to wait, so that nobody makes accounts in bulk.

Sign-ups count by the network they come from and by the range around it, whether the address was
taken or not: otherwise the form would tell quickly which addresses have accounts. They stand
beside the failed sign-ins, in the same table, under networks of their own name.

Sign-ups from an address of this very machine do not count. The guard's journeys come from there,
and, where a proxy on this machine does not hand on its clients' addresses, everybody does.
"""

import ipaddress
import socket

from sqlalchemy import Connection, bindparam, delete, union_all

from ostiary.identity.sessions.failures import newest_of
from ostiary.identity.sessions.networks import Networks, networks_of
from ostiary.identity.sessions.throttling import (
    WINDOW_SECONDS,
    FailureRecord,
    Limit,
    wait_seconds,
)
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.schema import sign_in_failures as counted
from ostiary.identity.store.upserts import insert_into

NETWORK = Limit(free=20, wait_seconds_max=30)
NETWORK_RANGE = Limit(free=80, wait_seconds_max=8)

_NAME = "sign-up"
_NO_ADDRESS = ""
_ANY_PORT = 9


_RECENT = union_all(
    newest_of("network", NETWORK, counted.c.network == bindparam("network")),
    newest_of(
        "network_range", NETWORK_RANGE, counted.c.network_range == bindparam("network_range")
    ),
)


class Newcomers:
    """Counts sign-ups on the caller's connection, one a request, however often the edge asked."""

    def seconds_to_wait(self, connection: Connection, attempt: Attempt, *, now: int) -> int:
        """Return the seconds until the next sign-up from this network is allowed, or 0.

        What another attempt of the same request counted is left out, so that both decide on the
        same record.
        """
        networks = _networks(attempt)
        if networks is None:
            return 0
        values = {
            "network": networks.network,
            "network_range": networks.network_range,
            "since": now - WINDOW_SECONDS,
            "request_id": _name(attempt),
        }
        rows = connection.execute(_RECENT, values).all()
        found = {kind: FailureRecord(count, at) for kind, count, at in rows}
        return max(
            wait_seconds(found["network"], NETWORK, now=now),
            wait_seconds(found["network_range"], NETWORK_RANGE, now=now),
        )

    def add(self, connection: Connection, attempt: Attempt, *, now: int) -> None:
        """Count a sign-up."""
        networks = _networks(attempt)
        if networks is None:
            return
        offer = insert_into(connection, counted).values(
            request_id=_name(attempt),
            email_key=_NO_ADDRESS,
            at=now,
            network=networks.network,
            network_range=networks.network_range,
        )
        connection.execute(offer.on_conflict_do_nothing(index_elements=["request_id"]))

    def withdraw(self, connection: Connection, attempt: Attempt) -> None:
        """Take back what an earlier attempt of this request counted."""
        connection.execute(delete(counted).where(counted.c.request_id == _name(attempt)))


def is_of_this_machine(address: str) -> bool:
    """Return whether an IP address is one of this machine's own; nothing is sent to find out."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if parsed.is_loopback:
        return True
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6  # noqa: PLR2004
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            # The system then chooses where this would be sent from: the address itself, if own.
            asking.connect((str(parsed), _ANY_PORT))
            return ipaddress.ip_address(asking.getsockname()[0]) == parsed
    except (OSError, ValueError):
        return False


def _networks(attempt: Attempt) -> Networks | None:
    """Return what a sign-up is counted by; None where it does not count."""
    networks = networks_of(attempt.client_address)
    if not networks.network or is_of_this_machine(attempt.client_address):
        return None
    return Networks(f"{_NAME} {networks.network}", f"{_NAME} {networks.network_range}")


def _name(attempt: Attempt) -> str:
    """Return the row's own name: a session that starts withdraws the failure of its request."""
    return f"{attempt.request_id}/{_NAME}"
