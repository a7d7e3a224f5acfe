"""The replicas of the services beside identity that the edge routes to, one group for each."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from ostiary.runtime.ports import Replica


class ServiceGroups:
    """Holds the groups by service.

    `snapshot` is the one that new replicas are started for. Those of an earlier one stay, where it
    says the same of their service: a change of identity starts none of them anew.
    """

    def __init__(self) -> None:
        self.snapshot = ""
        self._groups: dict[str, list[Replica]] = {}

    def begin(self, snapshot: str, groups: Mapping[str, Iterable[Replica]]) -> None:
        """Serve these groups, of which some may be empty."""
        self.snapshot = snapshot
        self._groups = {service: list(members) for service, members in groups.items()}

    @property
    def names(self) -> list[str]:
        """Return the services, sorted."""
        return sorted(self._groups)

    def members(self, service: str) -> list[Replica]:
        """Return the group of a service."""
        return list(self._groups.get(service, ()))

    def set_members(self, service: str, members: Iterable[Replica]) -> bool:
        """Change who belongs to a group; return whether the edge has to be told."""
        changed = list(members)
        if service not in self._groups or self._groups[service] == changed:
            return False
        self._groups[service] = changed
        return True

    def all_members(self) -> list[Replica]:
        """Return the replicas of all groups."""
        return [replica for service in self.names for replica in self._groups[service]]


class ServiceMembers:
    """One service's group, as whoever keeps a group complete sees it."""

    def __init__(
        self, groups: ServiceGroups, service: str, refresh: Callable[[], Awaitable[object]]
    ) -> None:
        self._groups = groups
        self._service = service
        self._refresh = refresh

    def members(self, _snapshot: str) -> list[Replica]:
        """Return the group: whatever snapshot its members were started for."""
        return self._groups.members(self._service)

    def set_members(self, _snapshot: str, members: list[Replica]) -> bool:
        """Change the group. As with identity, the edge goes on trying the last ones it knows."""
        return bool(members) and self._groups.set_members(self._service, members)

    async def refresh(self) -> object:
        """Have the edge written anew."""
        return await self._refresh()
