"""Rules about how much of something that others share a system may take."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding

_DATABASE_CONNECTIONS_MAX = 1_000
"""More than any PostgreSQL server does well with; its own default is 100."""

_THREADS_PER_CONNECTION_MAX = 4


def database_connections_fit(configuration: Configuration) -> Iterator[Finding]:
    """Object to more database connections than a server has, while a change doubles them."""
    identity = configuration.snapshot_settings.identity
    each = identity.database_connections or identity.threads + 2
    needed = 2 * identity.replicas * each
    if needed > _DATABASE_CONNECTIONS_MAX:
        yield Finding(
            ("identity", "database_connections"),
            "database_connections_too_many",
            f"{identity.replicas} replicas with {each} connections each need {needed} during a "
            f"change, when as many again run; at most {_DATABASE_CONNECTIONS_MAX} are allowed.",
            "Write a smaller `database_connections`, or fewer `replicas` or `threads`.",
        )


def threads_have_connections(configuration: Configuration) -> Iterator[Finding]:
    """Object to so few database connections that requests wait for them rather than for work."""
    identity = configuration.snapshot_settings.identity
    least = -(-identity.threads // _THREADS_PER_CONNECTION_MAX)
    if 0 < identity.database_connections < least:
        yield Finding(
            ("identity", "database_connections"),
            "database_connections_too_few",
            f"`identity.database_connections` is {identity.database_connections}, too few for "
            f"{identity.threads} threads.",
            f"Write at least `database_connections = {least}`, or 0 for what the threads need.",
        )
