"""`needs`: which tables and columns this release uses."""

from typing import Any

from ostiary.identity.store.schema import metadata


def run(_request: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of each of the `tables`: what must not be taken away from it."""
    tables = metadata.tables.values()
    return {"tables": {table.name: sorted(table.columns.keys()) for table in tables}}
