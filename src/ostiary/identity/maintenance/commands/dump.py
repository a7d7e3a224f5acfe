"""`dump`: all rows of a store as lines on standard output."""

import sys
from typing import Any

from ostiary.identity.maintenance.databases import snapshot_of
from ostiary.identity.maintenance.rows import dump


def run(request: dict[str, Any]) -> None:
    """Write the rows of `database_url`."""
    with snapshot_of(request["database_url"]) as connection:
        for line in dump(connection):
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
