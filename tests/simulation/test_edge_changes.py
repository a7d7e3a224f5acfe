"""Changes of the edge by hundreds: few healthy ones end, and no lopsided one gets through."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ostiary.changes import actions, events
from ostiary.changes.balance import Balance, SeatReading
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Verdict
from ostiary.changes.pacing import Pacing
from tests.simulation.confidence import most_by_chance
from tests.simulation.traffic import STRATA, Load, Traffic
from tests.simulation.world import NEW, OLD, USERS_NEAR, World

PACING = Pacing(
    steps=(0.1, 0.5, 1.0), step_seconds_min=4.0, held_after_seconds=90.0, bake_seconds=6.0
)
EVEN = (1 / 3, 1 / 3, 1 / 3)
ALPHA = 0.01
WINDOWS_PER_LOOK = 4


@dataclass
class EdgeWorld(World):
    """A world in which the replicas stay, and each shows what it is asked for.

    `rate` sign-ins a second come; every replica can do `capacity` of them. `real` are the shares
    by which the proposed settings spread requests, whatever they intend.
    """

    rng: random.Random = field(default_factory=lambda: random.Random(0))
    rate: float = 20.0
    capacity: float = 12.0
    real: tuple[float, ...] = EVEN
    windows: int = 0

    def _pass_time(self) -> None:
        super()._pass_time()
        self.windows += 1
        if self.state.phase in USERS_NEAR and self.windows % WINDOWS_PER_LOOK == 0:
            self._inbox.append(self._look())

    def _look(self) -> events.BalanceRead:
        requests = round(self.rate * WINDOWS_PER_LOOK / 2)
        share = self.share or 0.0
        arm, rest = Counter[int](), Counter[int]()
        for _ in range(requests):
            if self.rng.random() < share:
                arm[self.rng.choices(range(3), self.real)[0]] += 1
            else:
                rest[self.rng.choices(range(3), EVEN)[0]] += 1
        return events.BalanceRead(tuple(self._seat(arm, rest, seat) for seat in range(3)), True)

    def _seat(self, arm: Counter[int], rest: Counter[int], seat: int) -> SeatReading:
        asked = (arm[seat] + rest[seat]) / (WINDOWS_PER_LOOK / 2)
        shed = max(0.0, asked - self.capacity)
        return SeatReading(f"r{seat}", arm[seat], rest[seat], asked, shed, self.capacity)

    def _carry_out(self, action: actions.Action) -> list[events.Event]:
        if isinstance(action, actions.StopCandidates | actions.StopReplaced):
            return [events.ReplicasStopped()]
        if isinstance(action, actions.RunProof):
            return [events.ProofRun(action.of, passed=True)]
        return super()._carry_out(action)


def change(
    seed: str,
    intended: tuple[float, ...],
    *,
    kill_at: Iterable[int] = (),
    **options: object,
) -> EdgeWorld:
    rng = random.Random(seed)
    world = EdgeWorld(
        Traffic(rng, Load(requests=5.0, fault_rate=0.0, refusal_rate=0.05)),
        PACING,
        EvidenceSettings(strata=STRATA, alpha=ALPHA),
        balance=Balance(intended=intended, former=EVEN, alpha=ALPHA),
        kill_at=frozenset(kill_at),
        rng=rng,
        **{"real": intended, **options},  # type: ignore[arg-type]
    )
    result = world.run()
    promoted = result.verdict is Verdict.PROMOTED
    assert world.share is None, seed
    assert world.stable == world.last_good == (NEW if promoted else OLD), seed
    assert world.running == {OLD}, seed
    return world


def verdicts(name: str, runs: int, intended: tuple[float, ...], **options: object) -> Counter[str]:
    print(f"seed {name}")
    found: Counter[str] = Counter()
    for run in range(runs):
        result = change(f"{name}-{run}", intended, **options).result
        assert result is not None
        found[str(result.verdict)] += 1
        if result.verdict is Verdict.ROLLED_BACK:
            found[result.reasons[0].code] += 1
    return found


def test_healthy_changes_of_the_edge_are_seldom_rolled_back() -> None:
    found = verdicts("edge-healthy", 300, (0.4, 0.3, 0.3))
    assert found["rolled_back"] <= most_by_chance(300, ALPHA)
    assert found["promoted"] >= 0.95 * 300


def test_a_balancer_that_piles_load_on_one_replica_never_gets_through() -> None:
    found = verdicts("edge-piled", 100, (0.8, 0.1, 0.1))
    assert found["rolled_back"] == 100
    assert found["replica_overloaded"] >= 100 - most_by_chance(100, ALPHA)


def test_an_edge_that_does_not_spread_as_asked_never_gets_through() -> None:
    found = verdicts("edge-wrong", 100, (0.4, 0.3, 0.3), real=(0.1, 0.1, 0.8), capacity=1e9)
    assert found["shares_not_as_intended"] == 100


def test_a_guard_killed_at_any_moment_leaves_a_settled_change_of_the_edge() -> None:
    moments = change("edge-crash", (0.4, 0.3, 0.3), kill_at=[10**9]).moments
    assert moments >= 15
    for moment in range(1, moments + 1):
        result = change("edge-crash", (0.4, 0.3, 0.3), kill_at=[moment]).result
        assert result is not None
        assert result.verdict in (Verdict.PROMOTED, Verdict.ROLLED_BACK)
