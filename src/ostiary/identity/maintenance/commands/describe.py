"""`describe`: the tables of a database as they are, whoever made them."""

from typing import Any

from ostiary.identity.maintenance.databases import snapshot_of
from ostiary.identity.maintenance.described import describe


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Return what `described` tells of `database_url`."""
    with snapshot_of(request["database_url"]) as connection:
        return {"tables": describe(connection)}
