"""Where a fault is injected: the drill's system, what stands around it, and who uses it."""

from dataclasses import dataclass
from pathlib import Path

from ostiary.drills.injection.surroundings import Surroundings
from ostiary.drills.order import DrillOrder
from ostiary.drills.recording import Recorder
from ostiary.drills.system import DrillSystem
from ostiary.drills.traffic_plan import TrafficPlan
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random


@dataclass(frozen=True, slots=True)
class InjectionPlace:
    """What a fault can lay hands on. `directory` is the drill's own, for files of any kind.

    In unguarded drills the guard stands still and answers nothing: ask files and replicas instead.
    """

    system: DrillSystem
    order: DrillOrder
    directory: Path
    plan: TrafficPlan
    recorder: Recorder
    clock: Clock
    rng: Random
    surroundings: Surroundings
