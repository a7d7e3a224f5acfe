"""What keeping a group complete needs of whoever routes to it."""

from typing import Protocol

from ostiary.runtime.ports import Replica


class Members(Protocol):
    """Who belongs to a group, and the edge that routes to them."""

    def members(self, snapshot: str) -> list[Replica]:
        """Return the members; none where the group is not kept up."""
        ...

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        """Change them; return whether the edge has to be told. An empty list changes nothing."""
        ...

    async def refresh(self) -> object:
        """Write the edge anew."""
        ...
