"""The replicas of the services beside identity that the edge routes to, one group for each."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from ostiary.runtime.ports import Replica


class ServiceGroups:
    """Holds the groups by service, and during a change of services their candidates.

    Each group has the snapshot that new members are started for. Members of an earlier one stay,
    where it says the same of their service: a change of identity starts none of them anew.

    `changing` are the services that the latest change touches, none where it is one of identity or
    the edge. `candidates` are their new replicas, `replaced` the former groups from the promotion
    on until nobody may go back to them.
    """

    def __init__(self) -> None:
        self._snapshots: dict[str, str] = {}
        self._groups: dict[str, list[Replica]] = {}
        self._former: dict[str, str] = {}
        self.changing: tuple[str, ...] = ()
        self.candidates: list[Replica] = []
        self.replaced: list[Replica] = []

    def begin(self, snapshot: str, groups: Mapping[str, Iterable[Replica]]) -> None:
        """Serve these groups, of which some may be empty."""
        self._snapshots = dict.fromkeys(groups, snapshot)
        self._groups = {service: list(members) for service, members in groups.items()}

    @property
    def names(self) -> list[str]:
        """Return the services, sorted."""
        return sorted(self._groups)

    def snapshot_of(self, service: str) -> str:
        """Return the snapshot that new members of a service's group are started for."""
        return self._snapshots[service]

    def members(self, service: str) -> list[Replica]:
        """Return the group of a service."""
        return list(self._groups.get(service, ()))

    def candidates_of(self, service: str) -> list[Replica]:
        """Return the candidates of a service."""
        return _of(service, self.candidates)

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

    def everybody(self) -> list[Replica]:
        """Return all replicas of services that are known, whether or not they are routed to."""
        return [*self.all_members(), *self.candidates, *self.replaced]

    @property
    def is_promoted(self) -> bool:
        """Return whether candidates have become the groups, and can still be taken back."""
        return bool(self._former)

    def promote(self, snapshot: str) -> None:
        """Make the candidates of a snapshot the groups; `replaced` holds the former ones then."""
        self._former = {service: self._snapshots[service] for service in self.changing}
        self.replaced = [each for service in self.changing for each in self._groups[service]]
        for service in self.changing:
            self._groups[service] = self.candidates_of(service)
            self._snapshots[service] = snapshot
        self.candidates = []

    def take_back(self) -> None:
        """Undo the promotion: the former groups serve again, and the others are candidates."""
        for service, snapshot in self._former.items():
            self.candidates += self._groups[service]
            self._groups[service] = _of(service, self.replaced)
            self._snapshots[service] = snapshot
        self.replaced, self._former = [], {}

    def take_candidates(self) -> list[Replica]:
        """Return the candidates, which are none any more."""
        taken, self.candidates = self.candidates, []
        return taken

    def take_replaced(self) -> list[Replica]:
        """Return the former groups; there is no way back to them then."""
        taken, self.replaced, self._former = self.replaced, [], {}
        return taken


class ServiceMembers:
    """One service's group, as whoever keeps a group complete sees it.

    It is kept up for the snapshot that the service is at, also when none of its replicas got ready
    so far. Whoever kept it up for an earlier one starts nobody any more.
    """

    def __init__(
        self, groups: ServiceGroups, service: str, refresh: Callable[[], Awaitable[object]]
    ) -> None:
        self._groups = groups
        self._service = service
        self._refresh = refresh

    def is_kept(self, snapshot: str) -> bool:
        """Return whether the group is kept up for this snapshot."""
        return self._groups.snapshot_of(self._service) == snapshot

    def members(self, snapshot: str) -> list[Replica]:
        """Return the group, whatever earlier snapshots its members were started for."""
        return self._groups.members(self._service) if self.is_kept(snapshot) else []

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        """Change the group. As with identity, the edge goes on trying the last ones it knows."""
        if not members or not self.is_kept(snapshot):
            return False
        return self._groups.set_members(self._service, members)

    async def refresh(self) -> object:
        """Have the edge written anew."""
        return await self._refresh()


def _of(service: str, replicas: Iterable[Replica]) -> list[Replica]:
    return [each for each in replicas if each.service == service]
