"""The world around the guard: processes, releases, the edge, and the clock. It outlives guards."""

import random
from dataclasses import dataclass, field

from ostiary.changes.balance import SeatReading
from ostiary.changes.evidence import ArmCounts
from tests.simulation.campaigns.demand import Arrivals, Crowd
from tests.simulation.campaigns.edge import Answerer, Counters, Table, ask, split
from tests.simulation.campaigns.plan import Nature
from tests.simulation.sampling import binomial

SEATS = 2
EVEN = (1 / 3, 1 / 3, 1 / 3)
LOPSIDED = (0.1, 0.1, 0.8)
LEASE_SECONDS = 3.0
REVIVED_AFTER = 2.0


@dataclass
class Outside:
    """Everything that a guard acts on.

    `codes` says for which code the replicas of a snapshot run: an earlier one's where only the
    edge differs. `alive` counts replicas by code, `releases` are the codes kept on disk.
    """

    rng: random.Random
    crowd: Crowd
    late: float = 0.0
    now: float = 0.0
    natures: dict[str, Nature] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    alive: dict[str, int] = field(default_factory=dict)
    dead_since: dict[str, float] = field(default_factory=dict)
    releases: set[str] = field(default_factory=set)
    envoys: list[Table] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    lease_until: float = -1.0
    down: bool = False
    lopsided: bool = False
    revoked: set[str] = field(default_factory=set)
    """The snapshots whose sessions, codes and tokens were taken back."""
    stops_failed: int = 0
    """How many times replicas did not stop, or nobody told that they had."""
    arm_requests: int = 0
    rest_requests: int = 0
    _late: list[tuple[tuple[str, str], int]] = field(default_factory=list)

    def serve(self, seconds: float) -> None:
        """Let users come for a moment."""
        self._count_late()
        if not self.down:
            for arrivals in self.crowd.arrivals(self.now, seconds):
                for table, part in zip(self.envoys, self._halves(arrivals), strict=True):
                    self._route(table, part)
        self.now += seconds

    def leased(self, table: Table) -> bool:
        """Return whether candidates answer first attempts; without a lease last good does."""
        canary = table.canary
        return canary is not None and self.now < self.lease_until and self.alive.get(canary, 0) > 0

    def answerer(self, code: str) -> Answerer:
        """Return how a version answers now."""
        chance = self.crowd.fault_chance(self.now)
        for table in self.envoys:
            if table.share and self.leased(table) and table.canary is not None:
                chance = 1.0 - (1.0 - chance) * (1.0 - self.natures[table.canary].harms_shared)
                break
        return Answerer(self.natures[code], chance)

    def fault_in_journeys(self, code: str, steps: int = 10) -> bool:
        """Return whether one of a journey's steps fails for what hits every version alike."""
        return binomial(self.rng, steps, self.answerer(code).chance) > 0

    def stop(self, code: str) -> None:
        """Stop all replicas of a code."""
        self.alive.pop(code, None)
        self.dead_since.pop(code, None)

    def revive(self, code: str) -> None:
        """Start the missing replicas of a group that is kept up, a while after they died."""
        if self.alive.get(code, 0) < SEATS and code in self.releases:
            since = self.dead_since.setdefault(code, self.now)
            if self.now - since >= REVIVED_AFTER:
                self.alive[code] = SEATS
                del self.dead_since[code]

    def look(self, seconds: float) -> tuple[SeatReading, ...]:
        """Return what each of three seats was asked since the last look."""
        real = LOPSIDED if self.lopsided else EVEN
        arm, rest = self._seats(self.arm_requests, real), self._seats(self.rest_requests, EVEN)
        self.arm_requests = self.rest_requests = 0
        capacity = 5.0 + 0.6 * self.crowd.demand.mean_per_second if self.lopsided else 1e9
        return tuple(
            SeatReading(
                f"r{seat}",
                arm[seat],
                rest[seat],
                (arm[seat] + rest[seat]) / seconds,
                0.0,
                capacity,
            )
            for seat in range(3)
        )

    def _seats(self, requests: int, shares: tuple[float, ...]) -> tuple[int, int, int]:
        first = binomial(self.rng, requests, shares[0])
        second = binomial(self.rng, requests - first, shares[1] / (1.0 - shares[0]))
        return first, second, requests - first - second

    def _halves(self, arrivals: Arrivals) -> tuple[Arrivals, Arrivals]:
        first = Arrivals(
            arrivals.stratum,
            binomial(self.rng, arrivals.ordinary, 0.5),
            binomial(self.rng, arrivals.doomed, 0.5),
            arrivals.doomed_fault,
        )
        second = Arrivals(
            arrivals.stratum,
            arrivals.ordinary - first.ordinary,
            arrivals.doomed - first.doomed,
            arrivals.doomed_fault,
        )
        return first, second

    def _route(self, table: Table, arrivals: Arrivals) -> None:
        canary, control, rest = split(self.rng, arrivals, table.share)
        self.arm_requests += canary.ordinary + canary.doomed
        self.rest_requests += control.ordinary + control.doomed + rest
        serving = self.answerer(table.serving)
        candidate = table.canary if self.leased(table) else None
        for arm, part in (("canary", canary), ("control", control)):
            if not part.ordinary + part.doomed:
                continue
            of_canary = arm == "canary" and candidate is not None
            first = self.answerer(candidate) if of_canary and candidate else serving
            counts, failures, wronged = ask(
                self.rng,
                part,
                first,
                serving,
                self.crowd.demand.refusal_rate,
                intended=table.intended,
            )
            self._add((arrivals.stratum, arm), counts)
            if arm == "canary":
                self.counters.final_failures += failures
            if of_canary and not table.edge_only:
                self.counters.canary_met += counts.requests
                self.counters.wronged += wronged

    def _add(self, key: tuple[str, str], counts: ArmCounts) -> None:
        """Count an arm's requests; some second opinions end a moment later than their first."""
        late = binomial(self.rng, counts.overturned, self.late)
        self._late.append((key, late))
        at_once = ArmCounts(
            counts.requests, counts.faults, counts.refusals, counts.overturned - late
        )
        self.counters.arms[key] += at_once

    def _count_late(self) -> None:
        for key, overturned in self._late:
            self.counters.arms[key] += ArmCounts(overturned=overturned)
        self._late.clear()
