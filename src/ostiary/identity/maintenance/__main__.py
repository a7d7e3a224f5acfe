"""Command line: `python -m ostiary.identity.maintenance dump|load|seal`, one request on stdin.

The request is one line of JSON, because arguments and environment can be read by others:
`{"database_url": …, "store_key_file": …}`. `dump` writes lines to standard output, `load` reads
them behind its request, `seal` seals everything under the present store key. `load` and `seal`
answer with one line of JSON. A problem is one line of JSON on standard error.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ostiary.identity.maintenance.databases import snapshot_of, transaction_in
from ostiary.identity.maintenance.rows import dump, load
from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealed_columns import seal_anew
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.store.engine import open_store
from ostiary.kernel.errors import OstiaryError

_REQUEST_CHARACTERS_MAX = 65_536


def main() -> int:
    """Do what the first argument says; return 0, or the exit code of the problem."""
    try:
        request = json.loads(sys.stdin.readline(_REQUEST_CHARACTERS_MAX))
        _COMMANDS[sys.argv[1]](request)
    except OstiaryError as error:
        problem = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "detail": error.detail,
            "exit_code": int(error.exit_code),
        }
        sys.stderr.write(json.dumps(problem) + "\n")
        return int(error.exit_code)
    return 0


def _dump(request: dict[str, Any]) -> None:
    with snapshot_of(request["database_url"]) as connection:
        for line in dump(connection):
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _load(request: dict[str, Any]) -> None:
    with transaction_in(request["database_url"]) as connection:
        counts = load(connection, sys.stdin)
    _answer({"rows": counts})


def _seal(request: dict[str, Any]) -> None:
    store = open_store(request["database_url"])
    sealer = Sealer(StoreKeyFiles(Path(request["store_key_file"])))
    try:
        count = seal_anew(store, sealer)
    finally:
        store.close()
    _answer({"sealed": count})


def _answer(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


_COMMANDS = {"dump": _dump, "load": _load, "seal": _seal}

if __name__ == "__main__":
    sys.exit(main())
