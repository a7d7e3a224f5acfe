"""What keeping a group complete needs: whose it is, who routes to it, and who starts members."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.fleet import Fleet
from ostiary.guard.replica_probes import ReplicaProbes
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import IDENTITY, Replica


class Members(Protocol):
    """Who belongs to a group, and the edge that routes to them."""

    def is_kept(self, snapshot: str) -> bool:
        """Return whether the group of a snapshot is kept up, though it may have no members."""
        ...

    def members(self, snapshot: str) -> list[Replica]:
        """Return the members; none where the group is not kept up."""
        ...

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        """Change them; return whether the edge has to be told. An empty list changes nothing."""
        ...

    async def refresh(self) -> object:
        """Write the edge anew."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupParts:
    """What one group is made of.

    `spawn` runs work beside the loop; `edge_is_stale` has the edge written anew.
    """

    snapshot: Snapshot
    plane: Members
    fleet: Fleet
    probes: ReplicaProbes
    journal: Journal
    clock: Clock
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    edge_is_stale: Callable[[], None]
    service: str = IDENTITY
