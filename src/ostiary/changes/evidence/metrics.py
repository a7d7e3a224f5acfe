"""What is compared between the arms, and how the error rate alpha is split.

The total is a weighted mean of e-processes. A weight is a share of alpha given to one stratum and
metric before anything is seen; what a weight costs is ln(1/weight) nats of the evidence needed.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from ostiary.changes.evidence.counts import ArmCounts, Trials
from ostiary.edge.class_words import class_in_words


class Metric(StrEnum):
    """A way in which a canary can be worse than its control.

    `MISSING_REFUSALS` is the wrong *yes*: a canary that accepts any password refuses less often
    than its control. `UNPAIRED` are overturned requests while there is no control arm. `SLOW` are
    requests that took longer than the control's usually do. `DISOWNED` are holders of tokens that
    the last good version refuses although this service minted them.
    """

    FAULTS = "faults"
    OVERTURNED = "overturned"
    REFUSALS = "refusals"
    MISSING_REFUSALS = "missing_refusals"
    UNPAIRED = "unpaired"
    SLOW = "slow"
    DISOWNED = "disowned"


PAIRED = (Metric.FAULTS, Metric.OVERTURNED, Metric.REFUSALS, Metric.MISSING_REFUSALS)
"""The metrics that both methods compare with a control arm in the same window."""

OTHER_STRATUM = "other"
"""Takes the counts of strata that nobody listed when the change began."""

BOUND_SHARE = 0.1
"""The part of alpha set aside for errors of the confidence sequences behind `UNPAIRED`."""

_METRIC_SHARES: Mapping[Metric, float] = MappingProxyType(
    {
        # Whatever breaks shows here, faults and wrong refusals alike, and its base rate is low.
        Metric.OVERTURNED: 0.4,
        Metric.FAULTS: 0.2,
        # A refusal that is wrong is overturned; here are only those that nobody can overturn.
        Metric.REFUSALS: 0.06,
        Metric.MISSING_REFUSALS: 0.1,
        Metric.UNPAIRED: 0.15,
        # What is slow and still answers harms least, and mere slowness has many requests to show.
        Metric.SLOW: 0.05,
        Metric.DISOWNED: 0.04,
    }
)


def share(metric: Metric) -> float:
    """Return the part of its stratum's weight that a metric has; all parts add up to 1."""
    return _METRIC_SHARES[metric]


def weight(metric: Metric, strata: int) -> float:
    """Return the weight of a metric in each of `strata` listed strata, or in the one for others.

    All weights and `BOUND_SHARE` add up to 1. A stratum without traffic keeps its weight with an
    e-value of 1, so that it may appear at any time.
    """
    return (1.0 - BOUND_SHARE) * _METRIC_SHARES[metric] / (strata + 1)


def bound_error(alpha: float, strata: int) -> float:
    """Return the chance with which one stratum's confidence sequence may fail."""
    return alpha * BOUND_SHARE / (strata + 1)


def trials(metric: Metric, arm: ArmCounts) -> Trials:
    """Return the requests of an arm and how many showed the metric's event."""
    match metric:
        case Metric.FAULTS:
            return Trials(arm.requests, arm.faults)
        case Metric.REFUSALS | Metric.MISSING_REFUSALS:
            return Trials(arm.requests, arm.refusals)
        case Metric.OVERTURNED | Metric.UNPAIRED:
            return Trials(arm.requests, arm.overturned)
        case Metric.SLOW:
            return Trials(arm.timed, arm.slow)
        case Metric.DISOWNED:
            return Trials(arm.holders, arm.disowned)


def in_words(
    metric: Metric, stratum: str, canary: Trials, control: Trials, among: Collection[str] = ()
) -> str:
    """Return the counts as a sentence part, such as `token: 12 of 14 canary requests failed, …`.

    `among` are all strata, where they may decide what this one is called.
    """
    what = class_in_words(stratum, among)
    if metric is Metric.DISOWNED:
        return (
            f"{what}: tokens minted by the canary are refused by last good: {canary.events} of "
            f"{canary.requests} holders, {control.events} of {control.requests} of its own"
        )
    verb = {
        Metric.FAULTS: "failed",
        Metric.REFUSALS: "were refused",
        Metric.MISSING_REFUSALS: "were refused",
        Metric.OVERTURNED: "were overturned by the last good version",
        Metric.UNPAIRED: "were overturned by the last good version while it had all traffic",
        Metric.SLOW: "were far slower than requests usually are",
    }[metric]
    return (
        f"{what}: {canary.events} of {canary.requests} canary requests {verb}, "
        f"{control.events} of {control.requests} control"
    )
