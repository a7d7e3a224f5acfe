"""Argo Rollouts as far as a verdict reaches: a model of its published contract.

Sources, read in argoproj/argo-rollouts: `metricproviders/webmetric/webmetric.go` (a status outside
2xx, or no answer, is an error of the measurement), `utils/evaluate/evaluate.go` (neither condition
holds: inconclusive), `analysis/analysis.go`, `assessMetricStatus` and
`assessMetricFailureInconclusiveOrError` (the limits, and their order), and the documentation of
`consecutiveSuccessLimit`. A rollout is aborted when its run has failed or is in error, and paused
when it is inconclusive (`docs/features/analysis.md`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONSECUTIVE_ERRORS_BY_DEFAULT = 4
ABORTS = ("Failed", "Error")

Answered = tuple[int, Mapping[str, Any]] | None
"""Status and JSON of an answer; None where there was none."""


@dataclass
class AnalysisRun:
    """One run of one metric of an AnalysisTemplate."""

    metric: Mapping[str, Any]
    phase: str = "Running"
    counted: dict[str, int] = field(default_factory=dict)
    errors_in_a_row: int = 0
    successes_in_a_row: int = 0

    def measure(self, answered: Answered) -> str:
        """Take one measurement and return the phase of the run after it."""
        if self.phase != "Running":
            return self.phase
        measured = self._measurement(answered)
        self.counted[measured] = self.counted.get(measured, 0) + 1
        self.errors_in_a_row = self.errors_in_a_row + 1 if measured == "Error" else 0
        self.successes_in_a_row = self.successes_in_a_row + 1 if measured == "Successful" else 0
        self.phase = self._assessed()
        return self.phase

    def _measurement(self, answered: Answered) -> str:
        if answered is None or not 200 <= answered[0] < 300:
            return "Error"
        path = re.fullmatch(r"\{\$\.(\w+)\}", self.metric["provider"]["web"]["jsonPath"])
        assert path is not None
        result = answered[1].get(path[1])
        if result is None:
            return "Error"
        if result == self._compared("failureCondition"):
            return "Failed"
        return "Successful" if result == self._compared("successCondition") else "Inconclusive"

    def _compared(self, condition: str) -> str:
        """Return what `result` is compared with in a condition of the one form that is used."""
        found = re.fullmatch(r'result == "(\w+)"', self.metric[condition])
        assert found is not None
        return found[1]

    def _assessed(self) -> str:
        phase = "Running"
        if self.counted.get("Failed", 0) > self.metric.get("failureLimit", 0):
            phase = "Failed"
        if self.counted.get("Inconclusive", 0) > self.metric.get("inconclusiveLimit", 0):
            phase = "Inconclusive"
        errors_max = self.metric.get("consecutiveErrorLimit", CONSECUTIVE_ERRORS_BY_DEFAULT)
        if self.errors_in_a_row > errors_max:
            phase = "Error"
        needed = self.metric.get("consecutiveSuccessLimit", 0)
        if phase == "Running" and needed and self.successes_in_a_row >= needed:
            phase = "Successful"
        return phase
