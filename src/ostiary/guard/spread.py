"""How requests fell on the replicas between two looks, and whether anything disturbed them."""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.edge.clusters import CANARY_CLUSTER, STABLE_CLUSTER
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.route_classes import Served
from ostiary.guard.plane import DataPlane
from ostiary.runtime.ports import Replica

_AGAIN_MAX = 0.05
"""Second attempts draw from the same round as first ones: with more of them than this, first
attempts no longer fall as the weights say."""


@dataclass(frozen=True, slots=True)
class Look:
    """The edge's counters, and what else was so at the same time.

    `members` are the stable replicas by their seats; `complete` says that every seat has one and
    that each answered its latest probe.
    """

    counters: EdgeCounters
    writes: int
    members: tuple[Replica | None, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """First attempts by seat between two looks: at the stable group, and in the canary's arm.

    `stable_undisturbed` and `arm_undisturbed` say that only the way of spreading decided there.
    """

    stable: tuple[int, ...]
    arm: tuple[int, ...]
    stable_undisturbed: bool
    arm_undisturbed: bool


async def look(plane: DataPlane, answered: Callable[[Replica], bool]) -> Look:
    """Return how things are now; `answered` says whether a replica answered its latest probe."""
    counters = await plane.counters()
    by_seat = {each.seat: each for each in plane.stable}
    members = tuple(by_seat.get(seat) for seat in range(plane.models.seats(plane.last_good)))
    complete = len(plane.stable) == len(members) and all(
        each is not None and answered(each) for each in members
    )
    return Look(counters, plane.writes, members, complete)


def stated_capacity(plane: DataPlane, replica: Replica) -> float | None:
    """Return the sign-ins a second that settings state for a replica; None where they do not."""
    own = plane.last_good if replica.snapshot == plane.serving else replica.snapshot
    return plane.models.served(own).stated_capacity(replica.seat)


def between(before: Look, now: Look) -> Spread:
    """Return how requests were spread between two looks."""
    seats = len(now.members)
    groups = ((STABLE_CLUSTER, Served.LAST_GOOD), (CANARY_CLUSTER, Served.CANARY))
    stable, arm = (
        tuple(
            new - old
            for new, old in zip(
                now.counters.first_attempts(cluster, served, seats),
                before.counters.first_attempts(cluster, served, seats),
                strict=True,
            )
        )
        for cluster, served in groups
    )
    calm = before.complete and now.complete and before.writes == now.writes
    calm = calm and before.members == now.members
    return Spread(
        stable=stable,
        arm=arm,
        stable_undisturbed=calm and _seldom_again(before, now, STABLE_CLUSTER, sum(stable)),
        arm_undisturbed=calm and _seldom_again(before, now, CANARY_CLUSTER, sum(arm)),
    )


def _seldom_again(before: Look, now: Look, cluster: str, first: int) -> bool:
    again = now.counters.later_attempts(cluster) - before.counters.later_attempts(cluster)
    return again <= _AGAIN_MAX * first
