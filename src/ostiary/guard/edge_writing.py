"""Writing the edge: one write after the other, each under a version of its own."""

import asyncio
from collections.abc import Callable

from ostiary.edge.edge import Applied, Edge
from ostiary.edge.model import EdgeModel


class EdgeWriting:
    """Writes what `present` says the edge is to do, given the number of the write.

    `writes` is the number of the latest one.
    """

    def __init__(self, edge: Edge, present: Callable[[int], EdgeModel]) -> None:
        self._edge = edge
        self._present = present
        self._writing = asyncio.Lock()
        self._wanted = 0
        self._confirmed = 0
        self.writes = 0

    @property
    def is_confirmed(self) -> bool:
        """Return whether the edge has taken everything that it was to take."""
        return self._confirmed == self._wanted

    def model(self) -> EdgeModel:
        """Return what the edge is to do now, under a version of its own."""
        self.writes += 1
        return self._present(self.writes)

    async def apply(self) -> Applied:
        """Write the edge and wait until every Envoy has taken it up. Raises as `Edge.apply` does.

        Envoy judges it before the lock is taken, so that a withdrawal may overtake. The model is
        built anew under the lock: one that was built earlier must not be written later.
        """
        self._wanted += 1
        await self._edge.prevalidate(self.model())
        async with self._writing:
            building = self._wanted
            applied = await self._edge.apply(self.model())
            self._confirmed = max(self._confirmed, building)
            return applied
