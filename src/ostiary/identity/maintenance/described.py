"""What the tables of a database look like, as the database itself tells.

Only what can be relied upon by a release that reads and writes: an index that is not unique is
left out, since it changes no answer.
"""

from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine.reflection import Inspector

_VERSION_TABLE = "alembic_version"


def describe(connection: Connection) -> dict[str, Any]:
    """Return each table by its name, with `columns`, `key`, `uniques`, `references`, `checks`."""
    inspector = inspect(connection)
    names = [name for name in inspector.get_table_names() if name != _VERSION_TABLE]
    return {name: _table(inspector, name) for name in sorted(names)}


def _table(inspector: Inspector, name: str) -> dict[str, Any]:
    dialect = inspector.dialect
    columns = {
        column["name"]: {
            "type": column["type"].compile(dialect),
            "nullable": bool(column["nullable"]),
            "default": _default(column),
        }
        for column in inspector.get_columns(name)
    }
    return {
        "columns": columns,
        "key": list(inspector.get_pk_constraint(name)["constrained_columns"]),
        "uniques": _uniques(inspector, name),
        "references": [
            {
                "columns": list(each["constrained_columns"]),
                "table": each["referred_table"],
                "to": list(each["referred_columns"]),
                "on_delete": str(each.get("options", {}).get("ondelete") or "").upper(),
            }
            for each in inspector.get_foreign_keys(name)
        ],
        "checks": [str(each["sqltext"]) for each in inspector.get_check_constraints(name)],
    }


def _default(column: Any) -> str | None:  # noqa: ANN401 - a reflected column
    """Return what a row gets that does not name the column; None where that is NULL or refused."""
    if column.get("identity") or column.get("autoincrement") is True or column.get("computed"):
        return "generated"
    value = column.get("default")
    return None if value is None else str(value)


def _uniques(inspector: Inspector, name: str) -> list[dict[str, Any]]:
    """Return what may stand in one row only: constraints and unique indexes, once each."""
    found = [
        {"columns": list(each["column_names"]), "where": ""}
        for each in inspector.get_unique_constraints(name)
    ]
    for index in inspector.get_indexes(name):
        if not index["unique"]:
            continue
        expressions = index.get("expressions") or index["column_names"]
        options = index.get("dialect_options", {})
        where = options.get("sqlite_where", options.get("postgresql_where", ""))
        unique = {"columns": [str(each) for each in expressions], "where": str(where or "")}
        if unique not in found:
            found.append(unique)
    return found
