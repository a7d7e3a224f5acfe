"""How many files and sockets an Envoy may have open."""

import resource

_DESCRIPTORS = 65_536


def raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us, which the new process inherits.

    The usual limit of 1,024 is used up by 500 connections and their replicas' side of them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
