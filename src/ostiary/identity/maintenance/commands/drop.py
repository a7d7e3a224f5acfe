"""`drop`: take a copy away that `copy` made in PostgreSQL."""

from typing import Any

from ostiary.identity.maintenance.copying import drop_schema


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Drop the `schema` of `database_url` with all that is in it, where there is one."""
    drop_schema(request["database_url"], request["schema"])
    return {}
