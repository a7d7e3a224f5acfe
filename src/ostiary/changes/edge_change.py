"""What a change of `[edge]` asks for: new replicas, the edge alone, or everything anew."""

from collections.abc import Mapping
from typing import Any

from ostiary.changes.edge_settings import EdgeSettings
from ostiary.changes.service_change import changed_services
from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.errors import RefusedError
from ostiary.runtime.ports import IDENTITY

FIXED_KEYS = (
    "public_url",
    "listen",
    "certificate",
    "key",
    "trust_proxy",
    "connections_max",
    "envoys",
)
"""Keys of `[edge]` with which Envoys, certificates and issuer begin; a change cannot alter them."""

_KNOWN_TO_REPLICAS = ("status_url",)


def edge_of(snapshot: Snapshot) -> EdgeSettings:
    """Return the edge's settings of a snapshot; a key that is younger than it has its default."""
    return EdgeSettings.model_validate(snapshot.settings["edge"])


def require_changeable_edge(proposed: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raise `RefusedError` where `[edge]` differs in what a running system cannot change."""
    new, old = (EdgeSettings.model_validate(each) for each in (proposed, current))
    fixed = [key for key in FIXED_KEYS if getattr(new, key) != getattr(old, key)]
    if fixed:
        names = ", ".join(f"`edge.{key}`" for key in fixed)
        raise RefusedError(
            "edge_fixed",
            f"The proposal changes {names}, which a running system cannot change.",
            hint="Stop with `ostiary down`, edit the settings file, and start with `ostiary up "
            "--config FILE`.",
        )


def at_start(served: EdgeSettings, file: EdgeSettings) -> EdgeSettings:
    """Return the edge to start with: what no change can alter is taken from the file.

    Everything else went through a change and would otherwise be undone by an old file.
    """
    return served.model_copy(update={key: getattr(file, key) for key in FIXED_KEYS})


def changes_edge_only(new: Snapshot, old: Snapshot) -> bool:
    """Return whether a change from `old` to `new` alters the edge only: it starts no replicas."""
    return keeps_identity(new, old) and not changed_services(new, old)


def keeps_identity(new: Snapshot, old: Snapshot) -> bool:
    """Return whether identity's replicas of `old` serve `new` as well.

    Nothing that they are told at their start differs: the change alters the edge, or other
    services, and nothing else.
    """
    return _told_to_replicas(new) == _told_to_replicas(old)


def _told_to_replicas(snapshot: Snapshot) -> object:
    edge = edge_of(snapshot)
    elsewhere = ("edge", "services")
    others = {table: value for table, value in snapshot.settings.items() if table not in elsewhere}
    release = snapshot.releases.get(IDENTITY)
    return release, others, [getattr(edge, key) for key in _KNOWN_TO_REPLICAS]
