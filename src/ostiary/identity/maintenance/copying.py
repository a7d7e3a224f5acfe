"""Copying the store as it is at one moment, while everybody goes on writing.

SQLite copies its pages; PostgreSQL copies tables and rows into a schema of its own beside them,
inside the server and in one transaction. Both keep what a migration meets: the exact tables,
whoever made them. Views, functions and triggers are not Ostiary's and are left out.
"""

import os
import select
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from ostiary.identity.maintenance.databases import connect
from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.kernel.errors import RefusedError

_SPARE_BYTES = 64 * 1024 * 1024
_GROWS_TO = 2
"""A copy is migrated and signed in to: it may need as much room again."""


def copy_to_file(database_url: str, target: str) -> int:
    """Copy a SQLite store to a new file and return its bytes.

    Raises `RefusedError` where there is not enough room, `StoreUnavailableError` where the store
    cannot be read or the copy not be written.
    """
    path = Path(str(make_url(database_url).database))
    try:
        _require_room(path, Path(target).parent)
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        source_url = f"file:{quote(str(path))}?mode=ro"
        with (
            closing(sqlite3.connect(source_url, uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            # A copy that a power cut damages is made anew.
            copy.execute("PRAGMA synchronous=OFF")
            # In one step: between two steps others may write, and it would begin anew.
            source.backup(copy, pages=-1)
        return Path(target).stat().st_size
    except sqlite3.Error as error:
        raise StoreUnavailableError(f"SQLite, while copying: {error}") from error
    except OSError as error:
        raise StoreUnavailableError(f"while copying: {error.strerror}") from error


def _require_room(path: Path, directory: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    size = path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    needed, free = _GROWS_TO * size + _SPARE_BYTES, shutil.disk_usage(directory).free
    if needed > free:
        raise RefusedError(
            "disk_full",
            f"A copy of the store needs {needed:,} bytes, and {directory} has {free:,} left.",
            hint="Make room; the copy is removed after the rehearsal.",
        )


def copy_to_schema(database_url: str, target: str) -> int:
    """Copy PostgreSQL's tables into a new schema `target` and return how many there are.

    Nothing is kept unless whoever asked still waits. Raises `StoreUnavailableError` where the
    server does not do it, and `RefusedError` where it does not allow it.
    """
    with _server(database_url) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SET LOCAL lock_timeout = '2s'")
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(target)))
        source = str(_value(connection, "SELECT current_schema()"))
        tables = _tables(connection, source)
        for table in tables:
            _copy_table(connection, source, target, table)
        _copy_references(connection, source, target)
        if not _is_waited_for():
            connection.execute("ROLLBACK")
            raise RefusedError("copy_given_up", "Nobody waits for the copy any more.")
        connection.execute("COMMIT")
    return len(tables)


def drop_schema(database_url: str, schema: str) -> None:
    """Drop a copy with all that is in it; nothing where there is none."""
    with _server(database_url) as connection:
        name = sql.Identifier(schema)
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))


@contextmanager
def _server(database_url: str) -> Iterator[psycopg.Connection]:
    try:
        with closing(connect(database_url)) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise RefusedError(
            "copy_not_allowed",
            f"PostgreSQL does not let the store be copied: {_first_line(error)}.",
            hint="Grant it: GRANT CREATE ON DATABASE name TO the user of the database URL.",
        ) from error
    except psycopg.errors.DiskFull as error:
        raise RefusedError(
            "disk_full",
            "PostgreSQL has no room for a copy of the account store.",
            hint="Make room; the copy is removed after the rehearsal.",
        ) from error
    except psycopg.Error as error:
        raise StoreUnavailableError(
            f"PostgreSQL, while copying: {type(error).__name__}: {_first_line(error)}"
        ) from error


def _tables(connection: psycopg.Connection, schema: str) -> list[str]:
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
    found = connection.execute(query, [sql.Identifier(schema).as_string(connection)])
    return [str(name) for (name,) in found]


def _copy_table(connection: psycopg.Connection, source: str, target: str, table: str) -> None:
    old, new = sql.Identifier(source, table), sql.Identifier(target, table)
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(new, old))
    columns = connection.execute(
        "SELECT attname, attgenerated = '' FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [old.as_string(connection)],
    ).fetchall()
    names = sql.SQL(", ").join(sql.Identifier(name) for name, is_stored in columns if is_stored)
    rows = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}")
    connection.execute(rows.format(new, names, names, old))
    for name, _ in columns:
        counted = _sequence_of(connection, old, name)
        if counted is not None:
            own = _sequence_of(connection, new, name) or _new_sequence(
                connection, target, table, name
            )
            go_on = sql.SQL("SELECT setval({}, last_value, is_called) FROM {}")
            connection.execute(go_on.format(sql.Literal(own), sql.SQL(counted)))


def _sequence_of(connection: psycopg.Connection, table: sql.Identifier, column: str) -> str | None:
    """Return the name, quoted by the server, of the sequence that a column counts by."""
    values: list[object] = [table.as_string(connection), column]
    found = _value(connection, "SELECT pg_get_serial_sequence(%s, %s)", values)
    return None if found is None else str(found)


def _new_sequence(connection: psycopg.Connection, schema: str, table: str, column: str) -> str:
    """Let a copied column count for itself: its default still takes the numbers of the store."""
    sequence, at = sql.Identifier(schema, f"{table}_{column}_seq"), sql.Identifier(column)
    new, name = sql.Identifier(schema, table), sequence.as_string(connection)
    connection.execute(sql.SQL("CREATE SEQUENCE {}").format(sequence))
    use = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT nextval({})")
    connection.execute(use.format(new, at, sql.Literal(name)))
    owned = sql.SQL("ALTER SEQUENCE {} OWNED BY {}")
    connection.execute(owned.format(sequence, sql.Identifier(schema, table, column)))
    return name


def _copy_references(connection: psycopg.Connection, source: str, target: str) -> None:
    """Let the copy's tables refer to one another, as LIKE does not."""
    found = connection.execute(
        "SELECT relname, conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
        " JOIN pg_class t ON t.oid = conrelid"
        " WHERE contype = 'f' AND relnamespace = %s::regnamespace",
        [sql.Identifier(source).as_string(connection)],
    ).fetchall()
    # The definitions name tables without their schema as long as it is the first one looked in.
    look_in = sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(target))
    connection.execute(look_in)
    for table, name, definition in found:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        connection.execute(
            add.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition))
        )


def _is_waited_for() -> bool:
    """Return whether whoever asked still holds the other end of standard input."""
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return not readable


def _value(
    connection: psycopg.Connection, query: str, values: list[object] | None = None
) -> object:
    row = connection.execute(query.encode(), values).fetchone()
    return None if row is None else row[0]


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
