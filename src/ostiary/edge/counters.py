"""What the edge counted, as typed totals, and the few numbers of them that evidence needs."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class EdgeCounters:
    """Totals since a beginning that does not matter; only differences have a meaning.

    `attempts_total` and `finals_total` are counted apart, without names; `attempts_named` and
    `finals_named` are sums over all names, hidden routes included. So drops show.
    """

    attempts: Mapping[AttemptKey, int] = field(default_factory=dict)
    finals: Mapping[FinalKey, int] = field(default_factory=dict)
    seats: Mapping[SeatKey, int] = field(default_factory=dict)
    subjects: Mapping[SubjectKey, int] = field(default_factory=dict)
    attempts_named: int = 0
    attempts_total: int = 0
    finals_named: int = 0
    finals_total: int = 0

    def unnamed_since(self, earlier: "EdgeCounters") -> int:
        """Return how many attempts and answers were counted in all, but under no name.

        A few are normal while requests are under way: Envoy counts on while it is being read.
        """
        new, old = _sums(self), _sums(earlier)
        attempts, finals = (
            (new[f"{kind}_total"] - old[f"{kind}_total"])
            - (new[f"{kind}_named"] - old[f"{kind}_named"])
            for kind in ("attempts", "finals")
        )
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
    attempts: Counter[AttemptKey] = Counter()
    finals: Counter[FinalKey] = Counter()
    seats: Counter[SeatKey] = Counter()
    subjects: Counter[SubjectKey] = Counter()
    sums: Counter[str] = Counter()
    for part in parts:
        attempts.update(part.attempts)
        finals.update(part.finals)
        seats.update(part.seats)
        subjects.update(part.subjects)
        sums.update(_sums(part))
    return EdgeCounters(dict(attempts), dict(finals), dict(seats), dict(subjects), **sums)


def difference(new: EdgeCounters, old: EdgeCounters) -> EdgeCounters:
    """Return what was counted after `old` was read, both of one Envoy.

    An Envoy that was restarted counts from zero again; then all of `new` is new. What it counted
    between its last reading and its end is lost with it.
    """
    if _restarted(new, old):
        return new
    attempts = {key: value - old.attempts.get(key, 0) for key, value in new.attempts.items()}
    finals = {key: value - old.finals.get(key, 0) for key, value in new.finals.items()}
    seats = {key: value - old.seats.get(key, 0) for key, value in new.seats.items()}
    subjects = {key: value - old.subjects.get(key, 0) for key, value in new.subjects.items()}
    before = _sums(old)
    sums = {name: value - before[name] for name, value in _sums(new).items()}
    return EdgeCounters(
        attempts={key: value for key, value in attempts.items() if value},
        finals={key: value for key, value in finals.items() if value},
        seats={key: value for key, value in seats.items() if value},
        subjects={key: value for key, value in subjects.items() if value},
        **sums,
    )


def _restarted(new: EdgeCounters, old: EdgeCounters) -> bool:
    fell = any(new.attempts.get(key, 0) < value for key, value in old.attempts.items())
    fell = fell or any(new.finals.get(key, 0) < value for key, value in old.finals.items())
    return fell or any(_sums(new)[name] < value for name, value in _sums(old).items())


def _sums(counters: EdgeCounters) -> dict[str, int]:
    return {
        "attempts_named": counters.attempts_named,
        "attempts_total": counters.attempts_total,
        "finals_named": counters.finals_named,
        "finals_total": counters.finals_total,
    }
