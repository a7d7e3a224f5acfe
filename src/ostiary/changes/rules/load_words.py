"""What is said about load that cannot be carried."""

import math
from collections.abc import Iterator, Sequence

from ostiary.changes.load.figures import Figures
from ostiary.changes.load.judging import (
    FAIRNESS_MIN,
    GROWTH_MAX,
    OVER_MEAN_MAX,
    UTILISATION_MAX,
    UTILISATION_ONE_LOST_MAX,
    Breach,
    Growth,
    Limit,
    Load,
)
from ostiary.changes.load.shares import HASH_BALANCERS
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.load_numbers import count, percent, rate
from ostiary.changes.rules.load_remedies import Remedy, steps_towards
from ostiary.changes.snapshot_settings import SnapshotSettings

_MEASURE = "measure it on the running system with `ostiary bench capacity`"


def unknown_figures(figures: Figures) -> Iterator[Finding]:
    """Say what has to be known before load can be judged."""
    if figures.capacities is None:
        yield Finding(
            ("edge", "capacity"),
            "capacity_unknown",
            "How many sign-ins a second a replica can do is neither stated nor measured, so nobody "
            "can say whether this spread of load can be carried.",
            f"Write `capacity`, for example `capacity = 45.0`, or {_MEASURE}.",
        )
    if figures.peak is None:
        yield Finding(
            ("edge", "peak"),
            "peak_unknown",
            "How many sign-ins a second come at most is not stated, and no busy minute is on "
            "record, so nobody can say whether this spread of load can be carried.",
            "Write `peak`, for example `peak = 60.0`: sign-ins a second at all replicas together "
            "in the busiest minute.",
        )


def breach(found: Breach, load: Load, figures: Figures, instead: Remedy) -> Finding:
    """Say which replica gets too much, how much that is, and what would pass."""
    text = _complaint(found, load, figures)
    return Finding(instead.key, found.limit.value, text, instead.hint)


def _complaint(found: Breach, load: Load, figures: Figures) -> str:
    seat = found.seats[0]
    name = f"Replica {seat + 1} of {len(load.shares)}"
    also = _also(found)
    if found.limit is Limit.UNFAIR:
        return (
            f"The load is spread unevenly{_by(figures)}: {name.lower()} would get "
            f"{percent(load.shares[seat])} of the sign-ins, and Jain's index over all "
            f"utilisations is {found.value:.3f}; at least {FAIRNESS_MIN} is accepted."
        )
    if found.limit is Limit.OVER_MEAN:
        return (
            f"{name} would be used {found.value:.2f} times as much as the mean of all"
            f"{_by(figures)}{also}; at most {OVER_MEAN_MAX} times is accepted."
        )
    lost = found.limit is Limit.OVERLOADED_ONE_LOST
    share = load.spread.one_lost[seat] if lost else load.shares[seat]
    peak, capacity = figures.peak or 0.0, figures.relative_capacities[seat]
    when = " when another one is lost" if lost else ""
    most = UTILISATION_ONE_LOST_MAX if lost else UTILISATION_MAX
    return (
        f"{name} would have a utilisation of {found.value:.2f}{when}{_by(figures)}: "
        f"{percent(share or 0.0)} of {rate(peak)} sign-ins a second at the peak are "
        f"{rate(peak * (share or 0.0))}, and it can do {rate(capacity)}{also}; at most {most} "
        "is accepted."
    )


def canary(figures: Figures, steps: Sequence[int], instead: Remedy) -> Iterator[Finding]:
    """Say from which step on a canary group of this size would get more than it can take."""
    able = math.fsum(figures.relative_capacities) * UTILISATION_MAX
    peak = figures.peak or 0.0
    step = next((step for step in steps if step / 100 * peak > able), None)
    if step is not None:
        yield Finding(
            instead.key,
            "canary_overloaded",
            f"From the step of {step} % on, the canary would get {rate(step / 100 * peak)} "
            f"sign-ins a second at the peak; its {count(len(figures.weights))} can take "
            f"{rate(able)}.",
            instead.hint,
        )


def growth(found: Growth, before: Sequence[float], settings: SnapshotSettings) -> Finding:
    """Say which replica would get much more at once, and how to go there in steps."""
    replicas, weights = settings.identity.replicas, settings.edge.weights
    fewer = replicas < len(before)
    key = ("identity", "replicas") if fewer else ("edge", "weights")
    return Finding(
        key,
        "share_grows_at_once",
        f"Replica {found.seat + 1} of {replicas} would go from {percent(found.before)} of the "
        f"sign-ins to {percent(found.after)} in one change, {found.after / found.before:.2f} "
        f"times as much; at most {GROWTH_MAX} times is accepted.",
        steps_towards(before, weights or (1,) * replicas),
    )


def _by(figures: Figures) -> str:
    """Return what a simulation rests on."""
    if figures.balancer not in HASH_BALANCERS:
        return ""
    skew = figures.skew
    return f" by `{figures.balancer}` with {skew.keys} addresses of Zipf exponent {skew.exponent:g}"


def _also(found: Breach) -> str:
    others = [str(seat + 1) for seat in sorted(found.seats[1:])]
    if not others:
        return ""
    named = ", ".join(others[:5]) + (", …" if others[5:] else "")
    return f" (also too much: {named})"
