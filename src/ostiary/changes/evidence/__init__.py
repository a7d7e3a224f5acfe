"""Sequential evidence that a canary is worse than the last good version, valid at any moment.

Numbers come in as windows of counts, a decision goes out. No clock, no randomness, no I/O.
"""

from ostiary.changes.evidence.counts import (
    BLOCK_REQUESTS_MIN,
    WINDOW_SECONDS,
    ArmCounts,
    StratumWindow,
)
from ostiary.changes.evidence.metrics import OTHER_STRATUM, Metric
from ostiary.changes.evidence.total import Contribution, Evidence, EvidenceSettings

__all__ = [
    "BLOCK_REQUESTS_MIN",
    "OTHER_STRATUM",
    "WINDOW_SECONDS",
    "ArmCounts",
    "Contribution",
    "Evidence",
    "EvidenceSettings",
    "Metric",
    "StratumWindow",
]
