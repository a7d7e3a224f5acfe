"""How many threads and places one replica has for password hashes."""

import os

from ostiary.identity.configuration import IdentitySettings
from ostiary.identity.passwords.admission import GateLimits
from ostiary.identity.passwords.gate import WAIT_SECONDS_MAX


def gate_limits(settings: IdentitySettings) -> GateLimits:
    """Return the limits that the settings ask for.

    Where they leave the number of hashes open, the replicas share the cores between them: more
    hashes than cores would only make each of them slower.
    """
    slots = settings.hash_concurrency or max(1, _cores() // settings.replicas)
    return GateLimits(slots, settings.hash_queue, WAIT_SECONDS_MAX)


def request_threads(settings: IdentitySettings) -> int:
    """Return the threads that answer requests.

    A request that waits for a hash holds its thread. So there is a thread for every place at the
    gate, and beside them as many as the settings say: however many people sign in, tokens are
    checked and pages are shown.
    """
    limits = gate_limits(settings)
    return settings.threads + limits.slots + limits.queue


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # Only some systems can say which cores a process may use.
        return os.cpu_count() or 1
