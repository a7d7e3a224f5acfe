"""Where so much already speaks against a canary that passing journeys no longer speak for it.

Journeys know some of what users do. A release that is broken for those with old password hashes
lets every journey pass, while the users' own requests tell otherwise: before they have decided,
they must not be outvoted by what has not seen it.
"""

from collections.abc import Mapping
from math import log
from typing import Final

from ostiary.changes.evidence.metrics import Metric, share
from ostiary.changes.evidence.mixture import log_weighted_sum
from ostiary.changes.evidence.stratum import StratumEvidence

PART_OF_DECISION: Final = 0.1
"""The part of 1/alpha that a stratum must have gathered. By Ville's inequality a harmless change
comes under suspicion in a stratum with a chance of at most alpha / 0.1, and then only waits."""


def suspected(strata: Mapping[str, StratumEvidence], threshold: float) -> frozenset[str]:
    """Return the strata under suspicion; `threshold` is ln 1/alpha.

    A stratum's value is the mean of its metrics' e-values, weighted as in the total.
    """
    needed = threshold + log(PART_OF_DECISION)
    return frozenset(name for name, stratum in strata.items() if _log_e(stratum) >= needed)


def _log_e(stratum: StratumEvidence) -> float:
    return log_weighted_sum([(share(metric), stratum.log_e(metric)) for metric in Metric])
