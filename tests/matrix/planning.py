"""What is broken when: the schedule of one run, a pure function of its seed.

Faults come at random moments, so that some follow each other slowly and some overlap. What is
drawn does not depend on how the run goes: the same seed gives the same schedule on every machine.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ostiary.kernel.ids import SeededRandom

FIRST_AT_SECONDS = 2.0
"""Users come undisturbed for so long at first."""

QUIET_SECONDS = 2.0
"""No fault begins so shortly before the traffic's end."""

SECONDS_PER_FAULT = 4.5
PAUSE_SECONDS = (0.5, 8.0)
AWAY_SECONDS = (0.2, 6.0)
CHANGE_SHARE = 0.4
"""The share of seeds in which a change is proposed in the middle."""


class Store(StrEnum):
    """The database that a run uses."""

    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"


class Target(StrEnum):
    """What a fault hits. Replicas are counted among those of the last good snapshot, by name."""

    GUARD = "guard"
    ENVOY_0 = "envoy-0"
    ENVOY_1 = "envoy-1"
    REPLICA_0 = "replica-0"
    REPLICA_1 = "replica-1"
    DATABASE = "database"


class Action(StrEnum):
    """What a fault does."""

    KILL = "kill"
    """SIGKILL. Only the database is started again from outside, after the fault's seconds."""

    PAUSE = "pause"
    """SIGSTOP, and SIGCONT after the fault's seconds."""

    RESTART = "restart"
    """An orderly end by a signal; guard and database are started again from outside."""

    LOCK = "lock"
    """SQLite only: another process holds the write lock for the fault's seconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a schedule. `at` is in seconds after the traffic began."""

    number: int
    at: float
    target: Target
    action: Action
    seconds: float

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.number:>3}  at {self.at:5.1f} s  {self.action} {self.target}{lasting}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `change_at` is when a change is proposed; None where none is."""

    seed: int
    seconds: float
    store: Store
    faults: tuple[Fault, ...]
    change_at: float | None


_PAIRS = ("envoy", "replica")
_WEIGHTS: tuple[tuple[str, Action, int], ...] = (
    ("guard", Action.KILL, 4),
    ("guard", Action.PAUSE, 3),
    ("guard", Action.RESTART, 2),
    ("envoy", Action.KILL, 4),
    ("envoy", Action.PAUSE, 3),
    ("envoy", Action.RESTART, 1),
    ("replica", Action.KILL, 4),
    ("replica", Action.PAUSE, 3),
    ("replica", Action.RESTART, 1),
)
_OF_DATABASE: dict[Store, tuple[tuple[str, Action, int], ...]] = {
    Store.POSTGRESQL: (
        ("database", Action.KILL, 2),
        ("database", Action.PAUSE, 2),
        ("database", Action.RESTART, 1),
    ),
    Store.SQLITE: (("database", Action.LOCK, 4),),
}


def make_plan(
    seed: int,
    seconds: float,
    *,
    store: Store | None = None,
    count: int | None = None,
    only: Collection[int] | None = None,
) -> Plan:
    """Return the schedule of a seed.

    Without `store` every fourth seed runs on SQLite. `only` keeps these entries, with their times,
    and nothing else of the schedule: to find out which of them a failure needs.
    """
    rng = SeededRandom(f"matrix/{seed}").generator
    chosen = store or (Store.SQLITE if seed % 4 == 0 else Store.POSTGRESQL)
    change_at = rng.uniform(FIRST_AT_SECONDS, seconds / 2)
    if rng.random() >= CHANGE_SHARE:
        change_at = None
    wanted = count or max(3, round(seconds / SECONDS_PER_FAULT))
    times = sorted(rng.uniform(FIRST_AT_SECONDS, seconds - QUIET_SECONDS) for _ in range(wanted))
    kinds = [*_WEIGHTS, *_OF_DATABASE[chosen]]
    faults = []
    for number, at in enumerate(times):
        name, action, _ = rng.choices(kinds, [weight for _, _, weight in kinds])[0]
        member = f"{name}-{rng.randrange(2)}" if name in _PAIRS else name
        low, high = PAUSE_SECONDS if action in {Action.PAUSE, Action.LOCK} else AWAY_SECONDS
        lasting = rng.uniform(low, high)
        faults.append(
            Fault(
                number,
                round(at, 2),
                Target(member),
                action,
                round(lasting, 2) if _lasts(Target(member), action) else 0.0,
            )
        )
    kept = tuple(fault for fault in faults if only is None or fault.number in only)
    return Plan(seed, seconds, chosen, kept, None if change_at is None else round(change_at, 2))


def _lasts(target: Target, action: Action) -> bool:
    """Return whether somebody outside has to end the fault."""
    if action in {Action.PAUSE, Action.LOCK} or target is Target.DATABASE:
        return True
    return target is Target.GUARD and action is Action.RESTART
