"""What to write instead of a spread of load that cannot be carried."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.changes.load import advice
from ostiary.changes.load.figures import Figures
from ostiary.changes.load.judging import GROWTH_MAX
from ostiary.changes.load.shares import HASH_BALANCERS
from ostiary.changes.rules.load_numbers import count, rate, toml
from ostiary.kernel.settings import KeyPath


@dataclass(frozen=True, slots=True)
class Remedy:
    """The key that is to blame, and what to write instead."""

    key: KeyPath
    hint: str


def remedy(figures: Figures, *, hashes_cost_more: bool) -> Remedy:
    """Return what would pass, tried out; where nothing does, what is missing.

    `hashes_cost_more` says that the proposal makes them so.
    """
    better = advice.passing(figures)
    if better is not None:
        key = "weights" if better.balancer == figures.balancer else "balancer"
        return Remedy(("edge", key), _alternative(figures, better))
    able = rate(advice.bearable_peak(figures.relative_capacities))
    needed = advice.replicas_needed(figures)
    if hashes_cost_more:
        text = f"Write a smaller `hash_time_cost` or `hash_memory_kib`: at the stated cost {able}"
        text += " sign-ins a second at the peak can be carried."
        return Remedy(("identity", "hash_time_cost"), text)
    if figures.is_measured:
        text = f"This machine carries a peak of {able} sign-ins a second, and more replicas share "
        text += "its cores. Give it more, or state `capacity` or `peak` where what was measured is "
        text += "wrong."
    elif needed is not None:
        text = f"Write `replicas = {needed}` in `[identity]`, without unequal `weights`."
    else:
        weights = toml(advice.proportional_weights(figures.relative_capacities))
        text = f"At best, with `weights = {weights}`, a peak of {able} sign-ins a second can be "
        text += "carried. Add a replica, or state a lower `peak`."
    return Remedy(("identity", "replicas"), text)


def _alternative(figures: Figures, better: Figures) -> str:
    changes, why = [], ""
    if better.balancer != figures.balancer:
        changes.append(f'`balancer = "{better.balancer}"`')
    if better.weights != figures.weights:
        changes.append(f"`weights = {toml(better.weights)}`")
        why = ", in proportion to what each replica can do"
    hint = f"Write {' and '.join(changes)}{why}."
    if figures.balancer in HASH_BALANCERS:
        hint += " Where requests are known to fall more evenly, state `key_skew` and `hash_keys`."
    return hint


def steps_towards(before: Sequence[float], weights: Sequence[int]) -> str:
    """Return how to get to these weights by changes that each pass."""
    if len(weights) < len(before):
        fewest = math.ceil(len(before) / GROWTH_MAX)
        if fewest < len(before):
            return f"Go in steps: write `replicas = {max(fewest, len(weights))}` first."
        return f"Keep {count(len(before))}: nobody could take over from the last one."
    on_the_way = advice.weights_on_the_way(before, weights)
    if on_the_way is None:
        return "Write weights that are closer to those of now."
    return f"Go in steps: write `weights = {toml(on_the_way)}` first."
