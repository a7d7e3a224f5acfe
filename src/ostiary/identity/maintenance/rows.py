"""All rows of the store as lines of text that any store can read in again.

The first line is `{"format": 1, "revision": …}`; each table is a line `{"table", "columns"}`
followed by a JSON array for each row; the last line is `{"rows": {table: count}}`. Tables are
taken from the database itself, so that what a newer release added is taken along.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import JSON, Connection, LargeBinary, MetaData, Table, func, insert, select, text

from ostiary.identity.store.migration import upgrade
from ostiary.identity.store.revision import HEAD
from ostiary.kernel.errors import RefusedError

FORMAT = 1
_VERSION_TABLE = "alembic_version"
_BATCH = 500


def dump(connection: Connection) -> Iterator[str]:
    """Yield the lines of everything in the store. Raises `RefusedError` where it has no tables."""
    tables = _tables(connection)
    if _VERSION_TABLE not in tables:
        raise RefusedError(
            "store_empty", "The account store has no tables yet.", hint="Start it: `ostiary up`."
        )
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    yield json.dumps({"format": FORMAT, "revision": revision})
    counts = {}
    for name, table in tables.items():
        if name == _VERSION_TABLE:
            continue
        yield json.dumps({"table": name, "columns": [column.name for column in table.columns]})
        counts[name] = 0
        result = connection.execute(select(table), execution_options={"yield_per": _BATCH})
        for row in result:
            counts[name] += 1
            yield json.dumps([_neutral(value) for value in row], ensure_ascii=False)
    yield json.dumps({"rows": counts})


def load(connection: Connection, lines: Iterable[str]) -> dict[str, int]:
    """Make the tables in an empty database and put the rows in; return counts by table.

    Raises `RefusedError` where the database is not empty, the lines are not whole, or a newer
    release wrote them; then nothing is to be committed.
    """
    if _tables(connection):
        raise RefusedError(
            "database_not_empty",
            "The database to restore into holds tables already.",
            hint="Make a new, empty database and name it with --database.",
        )
    source = iter(lines)
    _make_tables(connection, _object(next(source, "")))
    counts = _load_rows(connection, source, _tables(connection))
    _set_sequences(connection)
    _check_references(connection)
    return counts


def _make_tables(connection: Connection, header: dict[str, Any]) -> None:
    if header.get("format") != FORMAT:
        raise _damaged("The account rows have an unknown format.")
    revision = str(header.get("revision"))
    if revision > HEAD:
        raise RefusedError(
            "backup_newer",
            f"The backup holds tables of revision {revision}; this Ostiary knows {HEAD}.",
            hint="Restore it with the Ostiary that wrote it, or a newer one.",
        )
    upgrade(connection, revision)


def _load_rows(
    connection: Connection, lines: Iterator[str], tables: dict[str, Table]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    table, columns, batch = None, list[str](), list[dict[str, Any]]()
    for line in lines:
        entry = _parsed(line)
        if isinstance(entry, list):
            if table is None or len(entry) != len(columns):
                raise _damaged("A row does not fit its table.")
            batch.append(dict(zip(columns, entry, strict=True)))
            counts[table.name] += 1
            if len(batch) >= _BATCH:
                _insert(connection, table, batch)
            continue
        _insert(connection, table, batch)
        if "rows" in entry:
            if entry["rows"] != counts:
                raise _damaged("Rows are missing.")
            return counts
        table, columns = _known(tables, entry)
        counts[table.name] = 0
    raise _damaged("The account rows end too early.")


def _known(tables: dict[str, Table], entry: dict[str, Any]) -> tuple[Table, list[str]]:
    table, columns = tables.get(str(entry.get("table"))), entry.get("columns")
    if table is None or not isinstance(columns, list) or not {*columns} <= {*table.columns.keys()}:
        raise _damaged("The account rows hold a table that this Ostiary does not know.")
    return table, columns


def _insert(connection: Connection, table: Table | None, batch: list[dict[str, Any]]) -> None:
    if table is not None and batch:
        for name in (c.name for c in table.columns if isinstance(c.type, LargeBinary)):
            for row in batch:
                row[name] = None if row[name] is None else base64.b64decode(row[name])
        connection.execute(insert(table), batch)
        batch.clear()


def _tables(connection: Connection) -> dict[str, Table]:
    """Return the tables that there are, each behind those that it refers to."""
    found = MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                # NULL stays NULL, and does not become the JSON text `null`.
                column.type = JSON(none_as_null=True)
    return {table.name: table for table in found.sorted_tables}


def _set_sequences(connection: Connection) -> None:
    """Let PostgreSQL count on where the rows end."""
    if connection.dialect.name != "postgresql":
        return
    for table in _tables(connection).values():
        for column in table.primary_key.columns:
            owner = {"table": f'"{table.name}"', "column": column.name}
            find = text("SELECT pg_get_serial_sequence(:table, :column)")
            if sequence := connection.execute(find, owner).scalar():
                last = connection.execute(select(func.max(column))).scalar()
                if last is not None:
                    count_on = text("SELECT setval(CAST(:name AS regclass), :last)")
                    connection.execute(count_on, {"name": sequence, "last": last})


def _check_references(connection: Connection) -> None:
    """PostgreSQL has checked each row; SQLite is asked for all of them."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise _damaged("A row refers to one that is missing.")


def _neutral(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _object(line: str) -> dict[str, Any]:
    value = _parsed(line)
    return value if isinstance(value, dict) else {}


def _parsed(line: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(line)
    except ValueError:
        raise _damaged("A line is no JSON.") from None


def _damaged(what: str) -> RefusedError:
    return RefusedError(
        "backup_damaged", f"{what} Nothing was restored.", hint="Use another backup."
    )
