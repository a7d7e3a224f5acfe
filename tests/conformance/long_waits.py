"""Waits for the store that end when something is wrong, not when the machine stands still.

For tests in which several write at once, and which are not about how long a request may wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from ostiary.identity.store import postgresql, postgresql_connections, sqlite

_SECONDS_MAX = 60
_OPTIONS = f"-c statement_timeout={_SECONDS_MAX}s -c lock_timeout={_SECONDS_MAX}s"


@contextmanager
def long_waits() -> Iterator[None]:
    """Let stores that are opened and used in the block wait for a minute instead of a second."""
    connection = postgresql_connections.BoundedConnection
    with (
        patch.object(sqlite, "WAIT_SECONDS_MAX", _SECONDS_MAX),
        patch.object(postgresql, "ANSWER_SECONDS_MAX", _SECONDS_MAX),
        patch.object(postgresql_connections, "CONNECT_SECONDS_MAX", _SECONDS_MAX),
        patch.object(postgresql_connections, "_OPTIONS", _OPTIONS),
        patch.dict(postgresql_connections._DEFAULTS, connect_timeout=_SECONDS_MAX),
        patch.object(connection, "answer_seconds_max", _SECONDS_MAX),
    ):
        yield
