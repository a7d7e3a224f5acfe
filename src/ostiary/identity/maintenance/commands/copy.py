"""`copy`: the store as it is at one moment, for trying migrations on."""

from typing import Any

from ostiary.identity.maintenance.copying import copy_to_file, copy_to_schema


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Copy `database_url` to the SQLite file `to_file`, or to PostgreSQL's schema `to_schema`."""
    if "to_file" in request:
        return {"bytes": copy_to_file(request["database_url"], request["to_file"])}
    return {"tables": copy_to_schema(request["database_url"], request["to_schema"])}
