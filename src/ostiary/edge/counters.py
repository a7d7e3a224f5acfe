"""What the edge counted, as typed totals, and the few numbers of them that evidence needs."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ostiary.edge.counter_keys import AttemptKey, FinalKey, SeatKey, SubjectKey
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.route_classes import CLASS_NAMES, Served
from ostiary.edge.stratum_counts import StratumCounts, count_strata

__all__ = [
    "AttemptKey",
    "EdgeCounters",
    "FinalKey",
    "SeatKey",
    "StratumCounts",
    "SubjectKey",
    "difference",
    "total",
]


Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class EdgeCounters:
    """Totals since a beginning that does not matter; only differences have a meaning.

    `attempts_total` and `finals_total` are counted apart, without names; `named_attempts` and
    `named_finals` are all counters by Envoy's own names, hidden routes included. So drops show.
    """

    attempts: Mapping[AttemptKey, int] = field(default_factory=dict)
    finals: Mapping[FinalKey, int] = field(default_factory=dict)
    seats: Mapping[SeatKey, int] = field(default_factory=dict)
    subjects: Mapping[SubjectKey, int] = field(default_factory=dict)
    named_attempts: Mapping[str, int] = field(default_factory=dict)
    named_finals: Mapping[str, int] = field(default_factory=dict)
    attempts_total: int = 0
    finals_total: int = 0

    @property
    def attempts_named(self) -> int:
        """The attempts that were counted under some name."""
        return sum(self.named_attempts.values())

    @property
    def finals_named(self) -> int:
        """The answers that were counted under some name."""
        return sum(self.named_finals.values())

    def unnamed_since(self, earlier: "EdgeCounters") -> int:
        """Return how many attempts and answers were counted in all, but under no name.

        A few are normal while requests are under way: Envoy counts on while it is being read.
        """
        attempts = self.attempts_total - earlier.attempts_total
        finals = self.finals_total - earlier.finals_total
        attempts -= self.attempts_named - earlier.attempts_named
        finals -= self.finals_named - earlier.finals_named
        return max(0, attempts) + max(0, finals)

    def first_attempts(self, cluster: str, served: Served, seats: int) -> tuple[int, ...]:
        """Return the first attempts at each of so many seats of a cluster's group."""
        return tuple(
            self.seats.get(SeatKey(cluster, served, seat, first=True), 0) for seat in range(seats)
        )

    def later_attempts(self, cluster: str) -> int:
        """Return how many attempts of a cluster were second ones."""
        return sum(
            count for key, count in self.seats.items() if key.cluster == cluster and not key.first
        )

    def strata(
        self,
        intended: frozenset[IntendedRefusal] = frozenset(),
        classes: Collection[str] = CLASS_NAMES,
    ) -> dict[tuple[str, str], StratumCounts]:
        """Return the numbers of each (stratum, arm) that saw anything: classes, and their kinds.

        `classes` are the classes of routes that are looked at, by default identity's.
        Refusals that a change intends count as requests only, in every arm: an arm that has them
        as well must not look as if it refused what the other does not.

        First attempts that a drained canary left to the last good version are in no arm: they
        say nothing about the canary, and the control arm must stay a random sample.
        """
        return count_strata(self.attempts, self.finals, self.subjects, intended, classes)


def total(parts: Iterable[EdgeCounters]) -> EdgeCounters:
    """Return the sum of the counters of several Envoys."""
    every = list(parts)
    return EdgeCounters(
        attempts=_sum(each.attempts for each in every),
        finals=_sum(each.finals for each in every),
        seats=_sum(each.seats for each in every),
        subjects=_sum(each.subjects for each in every),
        named_attempts=_sum(each.named_attempts for each in every),
        named_finals=_sum(each.named_finals for each in every),
        attempts_total=sum(each.attempts_total for each in every),
        finals_total=sum(each.finals_total for each in every),
    )


def _sum(parts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    found: Counter[Key] = Counter()
    for part in parts:
        found.update(part)
    return dict(found)


def difference(new: EdgeCounters, old: EdgeCounters) -> EdgeCounters:
    """Return what was counted after `old` was read, both of one Envoy.

    A counter that is lower, or gone, begins at zero again, and by itself: an Envoy whose listener
    was changed lets go of the old one ten minutes later, and forgets what only that has counted.
    By then nothing was counted there since the last reading. An Envoy that was restarted is
    another process, and has nothing before its first reading, see `Readings`.
    """
    return EdgeCounters(
        attempts=_since(new.attempts, old.attempts),
        finals=_since(new.finals, old.finals),
        seats=_since(new.seats, old.seats),
        subjects=_since(new.subjects, old.subjects),
        named_attempts=_since(new.named_attempts, old.named_attempts),
        named_finals=_since(new.named_finals, old.named_finals),
        attempts_total=_grown(new.attempts_total, old.attempts_total),
        finals_total=_grown(new.finals_total, old.finals_total),
    )


def _since(new: Mapping[Key, int], old: Mapping[Key, int]) -> dict[Key, int]:
    since = {key: _grown(value, old.get(key, 0)) for key, value in new.items()}
    return {key: value for key, value in since.items() if value}


def _grown(new: int, old: int) -> int:
    return new - old if new >= old else new
