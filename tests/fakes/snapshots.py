"""Snapshots by name, without files: each has its own release and the default settings."""

from collections.abc import Mapping
from typing import Any

from ostiary.changes.configuration import SnapshotSettings
from ostiary.changes.snapshot import Snapshot


class FakeSnapshots:
    """Every name is a snapshot; `edge` gives some of them settings of the edge.

    Those that are given any share one release: they differ in the edge only.
    """

    def __init__(self, edge: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._edge = dict(edge or {})

    def get(self, snapshot_id: str) -> Snapshot:
        settings = SnapshotSettings().to_snapshot()
        settings["edge"] |= self._edge.get(snapshot_id, {})
        release = "r" if snapshot_id in self._edge else f"r-{snapshot_id}"
        return Snapshot(snapshot_id, {"identity": release}, settings)
