"""Choosing ports for processes that bind them later."""

import hashlib
import socket
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from ostiary.kernel.errors import OstiaryError

_LOWEST = 10_000
_OUTGOING_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def choose_ports(host: str, count: int, *, seed: str, taken: Collection[int]) -> list[int]:
    """Return `count` different ports of `host` on which nothing listens now.

    Between this call and the bind, another process could get a port. Those that the kernel hands
    out for outgoing connections are therefore used only where there are no others, and the search
    begins at a place that `seed` determines, so that two searches rarely meet. `taken` are ports
    that were chosen already. Raises `OstiaryError` when there are not enough.
    """
    chosen: list[int] = []
    # All are held until the last is found, so that none is found twice.
    with ExitStack() as held:
        for port in _candidates(seed):
            listener = held.enter_context(socket.socket())
            try:
                listener.bind((host, port))
            except OSError:
                listener.close()
                continue
            number = int(listener.getsockname()[1])
            if number not in taken:
                chosen.append(number)
            if len(chosen) == count:
                return chosen
        raise OstiaryError(
            "no_free_port",
            f"There are not enough free ports on {host}.",
            hint="Stop what holds them; `ss -tlnp` shows it.",
        )


def is_taken(host: str, port: int) -> bool:
    """Return whether a listener on this port would be refused."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return True
    return False


def _candidates(seed: str) -> Iterator[int]:
    """Yield ports below the outgoing range from a seeded place on, then what the kernel offers."""
    first_outgoing = int(_OUTGOING_RANGE.read_text().split()[0])
    count = max(first_outgoing - _LOWEST, 0)
    offset = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    # A hundred tries below; a machine that full is better served by the kernel's own choice.
    for step in range(min(count, 100)):
        yield _LOWEST + (offset + step) % count
    for _ in range(100):
        yield 0
