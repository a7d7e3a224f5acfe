"""`migrate`: run the missing migrations, or none, within limits."""

from typing import Any

from ostiary.identity.maintenance.migrating import Limits, migrate_within
from ostiary.identity.store.engine import open_store
from ostiary.kernel.clock import SystemClock


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Migrate `database_url`; return the `revision` and for how long locks were held.

    The request names `lock_seconds_max` and `held_seconds_max`.
    """
    clock = SystemClock()
    store = open_store(request["database_url"], connections_max=1, clock=clock)
    limits = Limits(float(request["lock_seconds_max"]), float(request["held_seconds_max"]))
    try:
        migrated = migrate_within(store, limits, clock)
    finally:
        store.close()
    return {"revision": migrated.revision, "held_seconds": round(migrated.held_seconds, 3)}
