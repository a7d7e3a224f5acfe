"""What settings of one replica must satisfy together, whoever has written them.

The control plane checks the same before it starts anything; but a replica may be started without
one, and the guard must not be the only line. The bounds of single values stand in `configuration`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ostiary.identity.configuration import IdentitySettings, ReplicaConfiguration, load
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.urls import http_parts

_OWASP_MEMORY_KIB_BY_PASSES = {1: 47_104, 2: 19_456, 3: 12_288, 4: 9_216, 5: 8_192}
"""Weakest Argon2id settings that the OWASP Password Storage Cheat Sheet (2024) accepts."""

_HASH_MIB_PASSES_MAX = 1024
_HASHING_MIB_MAX = 2048
_DATABASE_CONNECTIONS_MAX = 1_000
_THREADS_PER_CONNECTION_MAX = 4
_USUAL_PORTS = {"http": 80, "https": 443}
_FLAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FLAG_COMPLAINT = "a name in flags must be letters, digits, _, - and ., at most 100"


def load_checked(path: Path) -> ReplicaConfiguration:
    """Read a replica's configuration file, with settings that pass every rule.

    Raises `RefusedError` that says what cannot be; values that may be secrets are not repeated.
    """
    configuration = load(path)
    found = [*complaints(configuration.settings), *_about_addresses(configuration)]
    found += [_FLAG_COMPLAINT for name in configuration.flags if not _FLAG_NAME.fullmatch(name)]
    if found:
        raise RefusedError("configuration_invalid", f"{path}: settings: {'; '.join(found)}.")
    return configuration


def complaints(settings: IdentitySettings) -> Iterator[str]:
    """Yield what is wrong, one clause for each key; no value that could be a secret is repeated."""
    yield from _about_lifetimes(settings)
    yield from _about_hashes(settings)
    yield from _about_connections(settings)
    yield from _about_mail(settings)
    if settings.audience is not None and re.search(r"\s", settings.audience):
        yield "audience must not contain blanks"


def _about_addresses(configuration: ReplicaConfiguration) -> Iterator[str]:
    """Yield what keeps the issuer and the status page from being addresses that browsers open.

    Whether the issuer may be plain http is for those to say who know where the edge listens.
    """
    issuer = http_parts(configuration.issuer)
    if issuer is None or configuration.issuer != f"{issuer.scheme}://{issuer.netloc}":
        yield "issuer must be http or https with a host, and nothing after it"
    elif "@" in issuer.netloc or issuer.port == _USUAL_PORTS[issuer.scheme]:
        yield "issuer must have neither a user nor the usual port"
    elif not issuer.netloc.isascii() or issuer.netloc != issuer.netloc.lower():
        yield "issuer must be written as browsers write it, in small letters"
    if configuration.status_url and http_parts(configuration.status_url) is None:
        yield "status_url must be http or https with a host"


def _about_lifetimes(settings: IdentitySettings) -> Iterator[str]:
    for name in ("access_token_seconds", "id_token_seconds"):
        if getattr(settings, name) > settings.session_seconds:
            yield f"{name} must not be longer than session_seconds"
    if settings.refresh_token_seconds <= settings.access_token_seconds:
        yield "refresh_token_seconds must be longer than access_token_seconds"
    shortest = min(settings.access_token_seconds, settings.id_token_seconds, settings.code_seconds)
    if settings.leeway_seconds * 2 > shortest:
        yield "leeway_seconds must be at most half of the shortest lifetime"


def _about_hashes(settings: IdentitySettings) -> Iterator[str]:
    passes = min(settings.hash_time_cost, max(_OWASP_MEMORY_KIB_BY_PASSES))
    if settings.hash_memory_kib < _OWASP_MEMORY_KIB_BY_PASSES[passes]:
        yield "hash_memory_kib is too small for this hash_time_cost"
    if settings.hash_memory_kib / 1024 * settings.hash_time_cost > _HASH_MIB_PASSES_MAX:
        yield "hash_time_cost and hash_memory_kib make a hash too slow"
    at_once = max(settings.threads, settings.hash_concurrency)
    if settings.hash_memory_kib * at_once // 1024 > _HASHING_MIB_MAX:
        yield "hash_memory_kib is too large for so many threads and hash_concurrency"


def _about_connections(settings: IdentitySettings) -> Iterator[str]:
    each = settings.database_connections or settings.threads + 2
    if 2 * settings.replicas * each > _DATABASE_CONNECTIONS_MAX:
        yield "database_connections are too many for so many replicas"
    if 0 < settings.database_connections < -(-settings.threads // _THREADS_PER_CONNECTION_MAX):
        yield "database_connections are too few for so many threads"


def _about_mail(settings: IdentitySettings) -> Iterator[str]:
    if not settings.mail_smtp_url:
        return
    try:
        parts = urlsplit(settings.mail_smtp_url)
        _ = parts.port  # a port that is no number shows only when it is read
    except ValueError:
        yield "mail_smtp_url cannot be parsed"
        return
    more = parts.path not in {"", "/"} or parts.query or parts.fragment
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.password or more:
        yield "mail_smtp_url must be smtp:// or smtps:// with a host, and no password or path"
    elif bool(parts.username) != bool(settings.mail_smtp_password_file):
        yield "a user in mail_smtp_url and mail_smtp_password_file belong together"
    if not settings.mail_from:
        yield "mail_smtp_url needs mail_from"
