"""Rules about load: weights and balancer against what replicas can do.

What can be said of weights alone stands in `weights`.

A proposal is held to the limits where it is about the spread of load, and where nothing serves
yet. What it leaves as it is cannot get it refused: a system that is too small already must still
take a fix.
"""

from collections.abc import Iterator
from dataclasses import replace

from ostiary.changes.configuration import Configuration
from ostiary.changes.load.figures import (
    figures_of,
    hash_cost,
    spreads_unevenly,
    touches_load,
)
from ostiary.changes.load.judging import Breach, Limit, Load, breaches, fastest_growth, load_of
from ostiary.changes.load.shares import WEIGHTLESS_BALANCER, by_weights
from ostiary.changes.rules import load_words as words
from ostiary.changes.rules import weights
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.load_remedies import remedy
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings

_WORSE = 1.1
"""Measurements of the same thing differ by less than this."""


def load_can_be_carried(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to replicas that would get more than they can do, or far more than others.

    Object, too, where that cannot be said although the proposal is about it.
    """
    if not _is_wellformed(configuration):
        return
    settings, last_good = configuration.snapshot_settings, surroundings.last_good
    touches = last_good is None or touches_load(last_good, settings)
    figures = figures_of(settings, surroundings.load, last_good)
    if spreads_unevenly(settings) if last_good is None else touches:
        yield from words.unknown_figures(figures)
    if figures.capacities is None:
        return
    load = load_of(figures)
    found = list(breaches(load))
    if last_good is not None and not touches:
        found = _worse(found, _present_load(last_good, surroundings))
    if not found:
        return
    instead = remedy(figures, hashes_cost_more=_costs_more(settings, last_good))
    for breach in found:
        yield words.breach(breach, load, figures, instead)
    if any(breach.limit is Limit.OVERLOADED for breach in found):
        yield from words.canary(figures, configuration.guard.steps, instead)


def _costs_more(settings: SnapshotSettings, last_good: SnapshotSettings | None) -> bool:
    return last_good is not None and hash_cost(settings.identity) > hash_cost(last_good.identity)


def shares_grow_step_by_step(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to a replica that would get much more at once than it gets now.

    Compared are the shares that weights give, also under hash balancers: which seat draws which
    keys there changes with every start.
    """
    last_good = surroundings.last_good
    if last_good is None or not _is_wellformed(configuration):
        return
    before, after = (
        _shares_by_weights(settings) for settings in (last_good, configuration.snapshot_settings)
    )
    growth = fastest_growth(before, after)
    if growth is not None:
        yield words.growth(growth, before, configuration.snapshot_settings)


def load_table(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[dict[str, str | float | None]]:
    """Yield what each replica would get, as `ostiary check` shows it; rounded.

    Replicas are named by their seats, from 1. Without capacity and peak there are only shares.
    Nothing for weights that are for other replicas.
    """
    if not _is_wellformed(configuration):
        return
    settings = configuration.snapshot_settings
    load = load_of(figures_of(settings, surroundings.load, surroundings.last_good))
    unknown = (None,) * len(load.shares)
    rows = zip(
        load.shares,
        load.utilisation or unknown,
        load.utilisation_one_lost or unknown,
        strict=True,
    )
    for seat, (share, used, lost) in enumerate(rows, start=1):
        yield {
            "replica": f"identity-{seat}",
            "share": round(share, 4),
            "utilisation": None if used is None else round(used, 4),
            "utilisation_one_lost": None if lost is None else round(lost, 4),
        }


def _is_wellformed(configuration: Configuration) -> bool:
    rules = (
        weights.weights_are_one_for_each_replica,
        weights.nobody_has_no_weight,
        weights.capacities_are_one_for_each_replica,
    )
    return not any(finding for rule in rules for finding in rule(configuration))


def _shares_by_weights(settings: SnapshotSettings) -> tuple[float, ...]:
    edge, replicas = settings.edge, settings.identity.replicas
    is_weighted = len(edge.weights) == replicas and edge.balancer != WEIGHTLESS_BALANCER
    return by_weights(edge.weights if is_weighted else (1,) * replicas).shares


def _present_load(last_good: SnapshotSettings, surroundings: Surroundings) -> Load:
    known = replace(surroundings.load, candidate_capacity=None)
    return load_of(figures_of(last_good, known, last_good))


def _worse(found: list[Breach], present: Load) -> list[Breach]:
    """Return the breaches that the present load has not, or not as badly."""
    now = {breach.limit: _badness(breach) for breach in breaches(present)}
    return [each for each in found if _badness(each) > _WORSE * now.get(each.limit, 0.0)]


def _badness(breach: Breach) -> float:
    return 1 / breach.value if breach.limit is Limit.UNFAIR else breach.value
