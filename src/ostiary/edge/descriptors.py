"""How many files and sockets an Envoy may have open, and how many connections that allows."""

import resource

_DESCRIPTORS = 65_536
_KEPT_BACK = 256
"""For files, health checks, the administration interface and connections that are closing."""


def raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us, which the new process inherits.

    The usual limit of 1,024 is used up by 500 connections and their replicas' side of them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _attainable(hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_allowed(wanted: int) -> int:
    """Return how many clients may be connected: as many as wanted, or as files allow.

    Each may need a connection to a replica as well. An Envoy without a free descriptor could
    neither accept nor ask a replica, so it has to refuse connections before that.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(wanted, (_attainable(hard) - _KEPT_BACK) // 2))


def _attainable(hard: int) -> int:
    return _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
