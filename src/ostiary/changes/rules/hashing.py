"""Rules about password hashes: strong enough, quick enough, and within a replica's memory."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration, IdentitySettings
from ostiary.changes.rules.finding import Finding

_OWASP_MEMORY_KIB_BY_PASSES = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 8_192}
"""Weakest Argon2id settings that the OWASP Password Storage Cheat Sheet (2024) accepts; with five
passes it accepts 7,168, which is below what a replica accepts at all."""

_HASH_MIB_PASSES_MAX = 1024
"""About half a second for one sign-in."""

_SECONDS_PER_MIB_PASS = 0.018 / 38
"""Of one core: 38 MiB-passes, the default, take about 18 ms."""

_HASHING_MIB_MAX = 2048
"""Memory that one replica may need when all its threads hash."""

HASH_WAIT_SECONDS_MAX = 1.0
"""How long a replica lets a request wait for a password hash before it answers 503."""


def hash_seconds(identity: IdentitySettings) -> float:
    """Return about how long one password hash takes."""
    return _mib_passes(identity) * _SECONDS_PER_MIB_PASS


def hashes_are_strong(configuration: Configuration) -> Iterator[Finding]:
    """Object to password hashes below the weakest accepted settings of OWASP."""
    identity = configuration.snapshot_settings.identity
    passes = min(identity.hash_time_cost, max(_OWASP_MEMORY_KIB_BY_PASSES))
    least = _OWASP_MEMORY_KIB_BY_PASSES[passes]
    if identity.hash_memory_kib < least:
        yield Finding(
            ("identity", "hash_memory_kib"),
            "hash_too_weak",
            f"`identity.hash_memory_kib` is {identity.hash_memory_kib}; with "
            f"`hash_time_cost = {identity.hash_time_cost}` less than {least} is too weak.",
            f"Write at least `hash_memory_kib = {least}`.",
        )


def hashes_are_quick_enough(configuration: Configuration) -> Iterator[Finding]:
    """Object to password hashes that take so long that sign-ins queue up."""
    cost = _mib_passes(configuration.snapshot_settings.identity)
    if cost > _HASH_MIB_PASSES_MAX:
        yield Finding(
            ("identity", "hash_time_cost"),
            "hash_too_slow",
            f"One password hash goes over {cost:.0f} MiB in all; more than "
            f"{_HASH_MIB_PASSES_MAX} takes over half a second.",
            "Write a smaller `hash_time_cost` or `hash_memory_kib`.",
        )


def hashes_fit_into_memory(configuration: Configuration) -> Iterator[Finding]:
    """Object to a replica that could need too much memory for the hashes it makes at once."""
    identity = configuration.snapshot_settings.identity
    at_once = max(identity.threads, identity.hash_concurrency)
    needed = identity.hash_memory_kib * at_once // 1024
    if needed > _HASHING_MIB_MAX:
        yield Finding(
            ("identity", "hash_memory_kib"),
            "hash_memory_too_large",
            f"{at_once} password hashes at the same time need {needed} MiB; a replica may use "
            f"{_HASHING_MIB_MAX}.",
            "Write a smaller `hash_memory_kib`, or fewer `threads` and `hash_concurrency`.",
        )


def _mib_passes(identity: IdentitySettings) -> float:
    return identity.hash_memory_kib / 1024 * identity.hash_time_cost
