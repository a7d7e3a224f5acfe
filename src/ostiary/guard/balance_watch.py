"""Looking at the replicas while a change of the edge spreads requests over them."""

from collections.abc import Callable

from ostiary.changes.balance import Balance, SeatReading
from ostiary.changes.events import BalanceRead
from ostiary.guard.load import LoadWatch
from ostiary.guard.plane import DataPlane
from ostiary.guard.spread import Look, between, look
from ostiary.runtime.ports import Replica


class BalanceWatch:
    """Makes the looks that the controller judges such a change by; one change at a time."""

    def __init__(
        self, plane: DataPlane, load: LoadWatch, answered: Callable[[Replica], bool]
    ) -> None:
        """`answered` says whether a replica answered its latest probe well."""
        self._plane = plane
        self._load = load
        self._answered = answered
        self._before: Look | None = None
        self._round = 0

    def begin(self, snapshot: str, alpha: float) -> Balance | None:
        """Return what judges a change of the edge only; None for one with replicas of its own."""
        plane = self._plane
        self._before = None
        if not plane.changes_edge_only(snapshot):
            return None
        seats = plane.models.seats(snapshot)
        new, old = plane.models.served(snapshot), plane.models.served(plane.last_good)
        by_arms = new.per_try_timeout_s != old.per_try_timeout_s
        return Balance(
            intended=new.intended_shares(seats),
            former=old.intended_shares(seats),
            alpha=alpha / 2 if by_arms else alpha,
            by_arms=by_arms,
        )

    async def look(self, snapshot: str) -> BalanceRead | None:
        """Return what was seen since the look before; None until the loads are read anew."""
        if self._before is not None and self._load.rounds == self._round:
            return None
        self._round = self._load.rounds
        now = await look(self._plane, self._answered)
        before, self._before = self._before, now
        if before is None:
            return None
        spread = between(before, now)
        edge = self._plane.models.served(snapshot)
        readings = []
        for seat, replica in enumerate(now.members):
            name = "" if replica is None else replica.name
            asked, shed = (None, None) if replica is None else self._load.latest(replica)
            capacity = edge.stated_capacity(seat)
            if capacity is None and replica is not None:
                capacity = self._load.capacity(replica)
            readings.append(
                SeatReading(name, spread.arm[seat], spread.stable[seat], asked, shed, capacity)
            )
        return BalanceRead(tuple(readings), undisturbed=spread.arm_undisturbed)
