"""Bringing the store's tables to what this release needs.

Replicas of two releases share one store, so migrations only expand: what an older release reads
stays readable. Any replica may find the tables outdated; one of them migrates, the others wait.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

from sqlalchemy import Connection, inspect, text

from ostiary.identity.store.engine import Store

HEAD = "0003"
"""Revision that this release needs: the newest file in `migrations/versions`."""

_ADVISORY_LOCK = 0x6F7374  # any fixed number; it names Ostiary's migrations to PostgreSQL


def migrate(store: Store) -> None:
    """Run the migrations that are missing; do nothing where there are none.

    A store that a newer release has migrated further is left as it is.
    Raises `StoreUnavailableError` when the store does not answer.
    """
    with store.read() as connection:
        if _is_ready(connection):
            return
    with _only_one(store) as connection:
        if not _is_ready(connection):
            _upgrade(connection)


def _is_ready(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    # Revisions are numbered, so that an older release recognises a newer store.
    return version is not None and str(version) >= HEAD


@contextmanager
def _only_one(store: Store) -> Iterator[Connection]:
    """Hold the one transaction in which migrations run; other replicas queue behind it."""
    with store.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _ADVISORY_LOCK})
        yield connection


def _upgrade(connection: Connection) -> None:
    # Imported here: a replica that finds the tables ready starts faster without Alembic.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    location = resources.files("ostiary.identity.store") / "migrations"
    configuration = Config()
    configuration.set_main_option("script_location", str(location))
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, "head")
