"""`seal`: every secret in the store under the present store key."""

from pathlib import Path
from typing import Any

from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealed_columns import seal_anew
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.store.engine import open_store


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Seal what is in `database_url` under `store_key_file`; return how many were `sealed`."""
    store = open_store(request["database_url"])
    sealer = Sealer(StoreKeyFiles(Path(request["store_key_file"])))
    try:
        return {"sealed": seal_anew(store, sealer)}
    finally:
        store.close()
