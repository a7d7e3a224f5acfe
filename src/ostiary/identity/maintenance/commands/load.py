"""`load`: rows from standard input into an empty database."""

import sys
from typing import Any

from ostiary.identity.maintenance.databases import transaction_in
from ostiary.identity.maintenance.rows import load


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Fill `database_url`; return the counts of `rows` by table."""
    with transaction_in(request["database_url"]) as connection:
        return {"rows": load(connection, sys.stdin)}
