"""How the state of the whole system is told to operators."""

import os
from typing import Any

from ostiary.guard.load import LoadWatch
from ostiary.guard.plane import DataPlane
from ostiary.runtime.ports import Replica


def report_status(
    plane: DataPlane, issuer: str, change: dict[str, Any] | None, load: LoadWatch
) -> dict[str, Any]:
    """Return the status as JSON; what does not exist yet is null."""
    return {
        "running": True,
        "issuer": issuer,
        "status_url": None,
        "console": None,
        "admin_link": None,
        "demo": f"{issuer}/demo",
        "guard_pid": os.getpid(),
        "edge": [{"pid": pid} for pid in plane.edge_pids],
        "last_good": plane.last_good,
        "change": change,
        "replicas": [
            *_rows(plane.stable, plane.stable_share, load),
            *_rows(plane.canary, plane.share, load),
        ],
        "incidents_open": None,
    }


def _rows(replicas: list[Replica], share: float | None, load: LoadWatch) -> list[dict[str, Any]]:
    return [
        {
            "service": replica.service,
            "name": replica.name,
            "pid": replica.process.pid,
            "port": replica.port,
            "snapshot": replica.snapshot,
            "share": None if share is None else share / len(replicas),
            "capacity": load.capacity(replica),
            "load": load.load(replica),
        }
        for replica in replicas
    ]
