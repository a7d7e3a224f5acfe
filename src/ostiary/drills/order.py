"""What one drill is asked to do."""

from dataclasses import dataclass

from ostiary.drills.mode import Mode
from ostiary.drills.scenarios.fault import FaultKind
from ostiary.drills.scenarios.reading import Scenario, Tables, merged


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """What to run. `from_stage` is where the guard begins to look; None is its first stage."""

    scenario: Scenario
    mode: Mode
    from_stage: str | None
    seed: int

    @property
    def way(self) -> str:
        """Return the mode, and where the guard begins if that is not its first stage."""
        return f"{self.mode} from {self.from_stage}" if self.from_stage else self.mode.value

    @property
    def passes_by_guard(self) -> bool:
        """Return whether the fault is put into the edge's files, past the guard.

        A guard never takes such a change to its end, forced or not: what drives a replica past its
        capacity is withdrawn.
        """
        fault = self.scenario.content.fault
        return self.mode is Mode.UNGUARDED and fault.kind is FaultKind.EDGE

    @property
    def injects(self) -> bool:
        """Return whether the fault befalls the system, and nothing is proposed."""
        return self.scenario.content.fault.kind is FaultKind.INJECTION

    def guard_settings(self) -> Tables:
        """Return `[guard]`: as shipped, but nobody waits for a bake that is not guarded."""
        return {"guard": {"bake_seconds": 0}} if self.mode is Mode.UNGUARDED else {}

    def settings(self) -> Tables:
        """Return the settings of the drill's own system."""
        return merged(self.scenario.settings(), self.guard_settings())
