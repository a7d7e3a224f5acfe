"""Everything that is drawn before a campaign begins: changes, natures, demand, and faults."""

import random
from dataclasses import dataclass, replace
from enum import StrEnum

from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from tests.simulation.campaigns.demand import Burst, Demand, Storm
from tests.simulation.traffic import STRATA


class Way(StrEnum):
    """How a change is proposed."""

    RELEASE = "release"
    FORCED = "forced"
    FLIP = "flip"
    FORCED_FLIP = "forced flip"
    SECURITY = "security"
    EDGE = "edge"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class Nature:
    """What a version is like. Rates are of its requests; a healthy one has none.

    `refuses` are wrong refusals, `accepts` the part of the rightful refusals that it grants.
    `harms_shared` is the chance to fail that it brings to both versions while users reach it.
    `blind` says that probe accounts do not meet what is wrong, so that journeys pass on it.
    `lopsided` says that its edge spreads requests otherwise than it says. `check`, `start` and
    `rehearsal` say whether these pass; `journeys` is the chance that a run on it fails for nothing.
    """

    faults: float = 0.0
    refuses: float = 0.0
    accepts: float = 0.0
    harms_shared: float = 0.0
    lopsided: bool = False
    blind: bool = False
    dies_after: float | None = None
    check: bool = True
    start: bool = True
    rehearsal: bool = True
    journeys: float = 0.0

    @property
    def harmless(self) -> bool:
        """Return whether users lose nothing by it."""
        return not (
            self.faults or self.refuses or self.accepts or self.harms_shared or self.lopsided
        )


@dataclass(frozen=True, slots=True)
class Proposed:
    """One change of a campaign, and what operators and fate do to it."""

    way: Way
    nature: Nature
    pacing: Pacing
    demand: Demand
    from_stage: Stage = Stage.CHECK
    approval: bool = False
    approved_after: float | None = None
    orders: tuple[tuple[float, str], ...] = ()
    pause_seconds: float = 20.0
    idle_before: float = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One campaign. Chances are per action or, for `kill`, per moment at which a guard may die.

    `fails`, `is_lost` and `repeats` are what may befall an action, `slow` the chance that it takes
    seconds rather than a moment; `flaps` that a run of journeys fails on the control.
    """

    seed: int
    changes: tuple[Proposed, ...]
    kill: float = 0.0
    kills_max: int = 0
    reboot: float = 0.0
    fails: float = 0.0
    is_lost: float = 0.0
    repeats: float = 0.0
    slow: float = 0.0
    flaps: float = 0.0
    replica_dies: float = 0.0
    late_second_opinions: float = 0.0


_RATES = (0.0, 0.5, 3.0, 10.0, 10.0, 30.0, 30.0, 100.0, 300.0, 1_000.0)
_ORDERS = ("pause", "resume", "promote", "rollback", "promote", "pause")


def make_plan(seed: int) -> Plan:
    """Return the campaign of a seed."""
    rng = random.Random(f"campaign {seed}")
    rough = rng.random() < 0.75
    changes = tuple(_change(rng, first=number == 0) for number in range(rng.randint(1, 5)))
    return Plan(
        seed=seed,
        changes=changes,
        kill=rng.choice((0.0, 0.003, 0.02)) if rough else 0.0,
        kills_max=rng.randint(1, 6),
        reboot=rng.choice((0.0, 0.3)),
        fails=rng.choice((0.0, 0.02, 0.1)) if rough else 0.0,
        is_lost=rng.choice((0.0, 0.0, 0.03)) if rough else 0.0,
        repeats=rng.choice((0.0, 0.2)) if rough else 0.0,
        slow=rng.choice((0.0, 0.3)),
        flaps=rng.choice((0.0, 0.0, 0.1)),
        replica_dies=rng.choice((0.0, 0.0, 0.001)),
        late_second_opinions=rng.choice((0.0, 0.1, 0.5)),
    )


def _change(rng: random.Random, *, first: bool) -> Proposed:
    way = rng.choices(list(Way), (10, 1.5, 2, 1, 1.5, 3, 0 if first else 3))[0]
    nature = _nature(rng, way)
    pacing = Pacing(
        steps=(1.0,) if way in (Way.FLIP, Way.FORCED_FLIP, Way.SECURITY) else _steps(rng),
        step_seconds_min=rng.choice((1.0, 3.0, 10.0)),
        held_after_seconds=rng.choice((30.0, 60.0, 120.0)),
        bake_seconds=rng.choice((2.0, 10.0, 30.0)),
    )
    from_stage = Stage.CHECK
    if way is Way.FORCED_FLIP:
        from_stage = Stage.BAKE
    elif way in (Way.RELEASE, Way.FORCED) and rng.random() < 0.2:
        from_stage = rng.choice((Stage.REHEARSE, Stage.CANARY, Stage.BAKE))
    approval = rng.random() < 0.15
    return Proposed(
        way=way,
        nature=nature,
        pacing=pacing,
        demand=draw_demand(rng),
        from_stage=from_stage,
        approval=approval,
        approved_after=rng.uniform(0.0, 60.0) if rng.random() < 0.8 else None,
        orders=_orders(rng),
        pause_seconds=rng.uniform(1.0, 60.0),
        idle_before=rng.choice((1.0, 30.0, 20_000.0)),
    )


def _steps(rng: random.Random) -> tuple[float, ...]:
    below = [share for share in (0.01, 0.05, 0.25, 0.5, 0.75) if rng.random() < 0.5]
    return (*below, 1.0)


def _orders(rng: random.Random) -> tuple[tuple[float, str], ...]:
    count = rng.choice((0, 0, 0, 1, 2, 4))
    return tuple(sorted((rng.uniform(0.0, 60.0), rng.choice(_ORDERS)) for _ in range(count)))


def _nature(rng: random.Random, way: Way) -> Nature:
    if way is Way.TAKE_BACK:
        return Nature()
    if way is Way.EDGE:
        return Nature(lopsided=rng.random() < 0.4, check=rng.random() < 0.95)
    kind = rng.choices(
        ("healthy", "faults", "refuses", "accepts", "shared", "dies", "early"),
        (10, 4, 3, 1, 1, 1, 1.5),
    )[0]
    blind = rng.random() < 0.7
    early = rng.choice(("check", "start", "rehearsal"))
    natures = {
        "healthy": Nature(journeys=rng.choice((0.0, 0.0, 0.1))),
        "faults": Nature(faults=rng.choice((0.02, 0.2, 0.5, 1.0)), blind=blind),
        "refuses": Nature(refuses=rng.choice((0.05, 0.5, 1.0)), blind=blind),
        "accepts": Nature(accepts=rng.choice((0.5, 1.0)), blind=blind),
        "shared": Nature(harms_shared=rng.choice((0.3, 0.8))),
        "dies": Nature(dies_after=rng.uniform(0.5, 40.0)),
        "early": replace(Nature(), **{early: False}),
    }
    return natures[kind]


def draw_demand(rng: random.Random) -> Demand:
    """Return the demand and the troubles of one change."""
    bursts = tuple(
        Burst(rng.uniform(0.0, 90.0), rng.uniform(0.5, 8.0), rng.choice((0.05, 0.3, 0.9)))
        for _ in range(rng.choice((0, 0, 0, 1, 3)))
    )
    storms = tuple(
        Storm(
            rng.uniform(0.0, 60.0), rng.uniform(2.0, 60.0), rng.choice((5.0, 50.0)),
            rng.choice(STRATA), rng.random() < 0.5,
        )
        for _ in range(rng.choice((0, 0, 0, 1)))
    )  # fmt: skip
    return Demand(
        mean_per_second=rng.choice(_RATES),
        wave=rng.choice((0.0, 0.9)),
        first_share=rng.choice((0.5, 0.9, 0.01)),
        fault_rate=rng.choice((0.0, 0.001, 0.01)),
        drift=rng.choice((0.0, 0.0, 0.02)),
        refusal_rate=rng.choice((0.02, 0.1, 0.3)),
        bursts=bursts,
        storms=storms,
    )
