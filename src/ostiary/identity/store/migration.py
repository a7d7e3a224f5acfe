"""Bringing the store's tables to what this release needs.

Replicas of two releases share one store, so migrations only expand: what an older release reads
stays readable. Any replica may find the tables outdated; one of them migrates, the others wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources

from sqlalchemy import Connection, inspect, text

from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.identity.store.revision import HEAD

_TRIES = 5
_SECONDS_MAX = 60
_LOCK_SECONDS_MAX = 2
_ADVISORY_LOCK = 0x6F7374  # any fixed number; it names Ostiary's migrations to PostgreSQL


def migrate(store: Store) -> None:
    """Run the migrations that are missing; do nothing where there are none.

    A store that a newer release has migrated further is left as it is. A replica that waits for
    another one's migration asks a few times: migrating may take longer than a transaction waits.
    Raises `StoreUnavailableError` when the store does not answer.
    """
    for _ in range(_TRIES - 1):
        if _found_ready(store):
            return
        with suppress(StoreUnavailableError):
            _migrate(store)
    if not _found_ready(store):
        _migrate(store)


def _found_ready(store: Store) -> bool:
    with store.read() as connection:
        return is_ready(connection)


def _migrate(store: Store) -> None:
    load_tools()
    with _only_one(store) as connection:
        if not is_ready(connection):
            upgrade(connection)


def is_ready(connection: Connection) -> bool:
    """Return whether the tables are what this release needs, or newer."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    # Revisions are numbered, so that an older release recognises a newer store.
    return version is not None and str(version) >= HEAD


@contextmanager
def _only_one(store: Store) -> Iterator[Connection]:
    """Hold the one transaction in which migrations run; other replicas queue behind it."""
    with store.write(seconds_max=_SECONDS_MAX) as connection:
        keep_others_out(connection, lock_seconds_max=_LOCK_SECONDS_MAX)
        yield connection


def keep_others_out(connection: Connection, *, lock_seconds_max: float) -> None:
    """Let no other migration run in this transaction; SQLite has one writer anyway.

    A change of a table that waits for long would make all who use it wait behind it, so each lock
    is waited for at most `lock_seconds_max`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = {lock_seconds_max * 1000:.0f}"))


def load_tools() -> None:
    """Load what migrations run with. Whoever holds a lock while it loads keeps others waiting."""
    from alembic import command  # noqa: F401, PLC0415 - see `upgrade`


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision in the transaction that the caller holds."""
    # Imported here: a replica that finds the tables ready starts faster without Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    location = resources.files("ostiary.identity.store") / "migrations"
    configuration = Config()
    configuration.set_main_option("script_location", str(location))
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)
