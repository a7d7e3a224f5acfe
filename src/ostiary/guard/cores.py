"""The cores of one machine: shared by replicas that hash, and left to users by all other work."""

import os

from ostiary.changes.identity_settings import IdentitySettings


def part_beside_others(identity: IdentitySettings, of: int) -> float:
    """Return which part of what a replica does alone it does when all replicas hash at once."""
    at_once = identity.hash_concurrency or max(1, of // identity.replicas)
    return min(1.0, of / (at_once * identity.replicas))


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # Only some systems can say which cores a process may use.
        return os.cpu_count() or 1


def at_once_beside_users() -> int:
    """Return how much of what is not for users may go on at once while users are served.

    All cores but one are taken by it, so that sign-ins, which stand back behind everything else
    of a replica, do not come to nothing meanwhile.
    """
    return max(1, cores() - 1)
