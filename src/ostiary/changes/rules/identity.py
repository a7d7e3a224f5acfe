"""Rules about `[identity]`: lifetimes, password hashes, audience."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding

_OWASP_MEMORY_KIB_BY_PASSES = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 8_192}
"""Weakest Argon2id settings that the OWASP Password Storage Cheat Sheet (2024) accepts; with five
passes it accepts 7,168, which is below what a replica accepts at all."""

_HASH_MIB_PASSES_MAX = 1024
"""About half a second for one sign-in: 38 MiB-passes, the default, take about 18 ms."""

_HASHING_MIB_MAX = 2048
"""Memory that one replica may need when all its threads hash."""


def tokens_end_before_sessions(configuration: Configuration) -> Iterator[Finding]:
    """Object to tokens that are still accepted when the session they came from has ended."""
    identity = configuration.snapshot_settings.identity
    for name in ("access_token_seconds", "id_token_seconds"):
        seconds = getattr(identity, name)
        if seconds > identity.session_seconds:
            yield Finding(
                ("identity", name),
                "token_outlives_session",
                f"`identity.{name}` is {seconds}, longer than a session "
                f"({identity.session_seconds}).",
                f"Write `{name} = {min(300, identity.session_seconds)}`, "
                "or a longer `session_seconds`.",
            )


def refresh_tokens_outlive_access_tokens(configuration: Configuration) -> Iterator[Finding]:
    """Object to refresh tokens that end before what they are meant to renew."""
    identity = configuration.snapshot_settings.identity
    if identity.refresh_token_seconds <= identity.access_token_seconds:
        yield Finding(
            ("identity", "refresh_token_seconds"),
            "refresh_token_too_short",
            f"`identity.refresh_token_seconds` is {identity.refresh_token_seconds}, no longer "
            f"than an access token ({identity.access_token_seconds}).",
            "Write a longer `refresh_token_seconds`; the default is 1209600 (14 days).",
        )


def leeway_is_small_beside_tokens(configuration: Configuration) -> Iterator[Finding]:
    """Object to a leeway that is a substantial part of a token's life."""
    identity = configuration.snapshot_settings.identity
    shortest = min(identity.access_token_seconds, identity.id_token_seconds, identity.code_seconds)
    if identity.leeway_seconds * 2 > shortest:
        yield Finding(
            ("identity", "leeway_seconds"),
            "leeway_too_long",
            f"`identity.leeway_seconds` is {identity.leeway_seconds}, more than half of the "
            f"shortest lifetime ({shortest}).",
            f"Write at most `leeway_seconds = {shortest // 2}`.",
        )


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
    identity = configuration.snapshot_settings.identity
    cost = identity.hash_memory_kib / 1024 * identity.hash_time_cost
    if cost > _HASH_MIB_PASSES_MAX:
        yield Finding(
            ("identity", "hash_time_cost"),
            "hash_too_slow",
            f"One password hash goes over {cost:.0f} MiB in all; more than "
            f"{_HASH_MIB_PASSES_MAX} takes over half a second.",
            "Write a smaller `hash_time_cost` or `hash_memory_kib`.",
        )


def hashes_fit_into_memory(configuration: Configuration) -> Iterator[Finding]:
    """Object to a replica whose threads could need too much memory for hashing together."""
    identity = configuration.snapshot_settings.identity
    needed = identity.hash_memory_kib * identity.threads // 1024
    if needed > _HASHING_MIB_MAX:
        yield Finding(
            ("identity", "hash_memory_kib"),
            "hash_memory_too_large",
            f"{identity.threads} threads that hash at the same time need {needed} MiB; a replica "
            f"may use {_HASHING_MIB_MAX}.",
            "Write a smaller `hash_memory_kib` or fewer `threads`.",
        )
