"""The figures that a load check rests on, out of settings and of what is known of the system.

What is stated counts. Where nothing is stated, the capacity is the measured one and the peak one
and a half times the busiest minute on record.
"""

from dataclasses import dataclass

from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.load.keys import KeySkew
from ostiary.changes.load.known import KnownLoad
from ostiary.changes.load.shares import HASH_BALANCERS, WEIGHTLESS_BALANCER
from ostiary.changes.snapshot_settings import SnapshotSettings

PEAK_OVER_BUSIEST = 1.5
"""How much more than the busiest minute on record has to fit."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What decides about the load of each seat. Rates are in sign-ins a second, None not known.

    `is_measured` says that the capacity was measured, on a machine that more replicas would share.
    """

    balancer: str
    weights: tuple[int, ...]
    capacities: tuple[float, ...] | None
    peak: float | None
    skew: KeySkew
    is_measured: bool = False

    @property
    def relative_capacities(self) -> tuple[float, ...]:
        """Return the capacities, or equal ones where they are not known."""
        return self.capacities or (1.0,) * len(self.weights)


def figures_of(
    settings: SnapshotSettings, known: KnownLoad, last_good: SnapshotSettings | None
) -> Figures:
    """Return the figures for settings; `last_good` are those that `known.capacity` was measured of.

    Weights or capacities that do not fit the number of replicas have a finding of their own; here
    they count as not given.
    """
    edge, replicas = settings.edge, settings.identity.replicas
    weights = edge.weights if len(edge.weights) == replicas and all(edge.weights) else ()
    capacities = stated_capacities(settings)
    measured = None if capacities else _measured(settings, known, last_good)
    return Figures(
        balancer=edge.balancer,
        weights=weights or (1,) * replicas,
        capacities=capacities or (None if measured is None else (measured,) * replicas),
        peak=edge.peak or (known.busiest_minute or 0.0) * PEAK_OVER_BUSIEST or None,
        skew=_skew(settings, known),
        is_measured=measured is not None,
    )


def stated_capacities(settings: SnapshotSettings) -> tuple[float, ...] | None:
    """Return the stated capacity of each seat, None where it is not stated or does not fit."""
    capacity, replicas = settings.edge.capacity, settings.identity.replicas
    if isinstance(capacity, tuple):
        return capacity if len(capacity) == replicas else None
    return None if capacity is None else (capacity,) * replicas


def _skew(settings: SnapshotSettings, known: KnownLoad) -> KeySkew:
    edge, learnt = settings.edge, known.keys or KeySkew()
    exponent = learnt.exponent if edge.key_skew is None else edge.key_skew
    return KeySkew(exponent, edge.hash_keys or learnt.keys)


def _measured(
    settings: SnapshotSettings, known: KnownLoad, last_good: SnapshotSettings | None
) -> float | None:
    """Return the capacity of one replica as measured, or as it follows from what was measured."""
    if known.candidate_capacity is not None:
        return known.candidate_capacity
    if known.capacity is None or last_good is None:
        return known.capacity
    before, after = last_good.identity, settings.identity
    return known.capacity * hash_cost(before) / hash_cost(after) * _part_of_machine(before, after)


def hash_cost(identity: IdentitySettings) -> int:
    """Return what one hash costs, to compare: the memory that is gone over (RFC 9106, 3.1)."""
    return identity.hash_memory_kib * identity.hash_time_cost


def _part_of_machine(before: IdentitySettings, after: IdentitySettings) -> float:
    """Return by what the capacity of one replica changes with the number of replicas.

    They share one machine, and it is as strong as before: more of them do less each. Fewer do
    more each only where they share the cores by themselves.
    """
    part = before.replicas / after.replicas
    shares_cores = before.hash_concurrency == 0 == after.hash_concurrency
    return part if shares_cores else min(part, 1.0)


def touches_load(before: SnapshotSettings, after: SnapshotSettings) -> bool:
    """Return whether a change is about who gets how much, or about who can do how much."""
    return (
        _distribution(before) != _distribution(after)
        or after.identity.replicas < before.identity.replicas
        or hash_cost(after.identity) > hash_cost(before.identity)
        or _hashes_at_once(after.identity) < _hashes_at_once(before.identity)
    )


def spreads_unevenly(settings: SnapshotSettings) -> bool:
    """Return whether settings state another balancer than the default, or unequal weights."""
    default = SnapshotSettings()
    return _choice(settings) != _choice(default)


def _distribution(settings: SnapshotSettings) -> tuple[object, ...]:
    """Return what is stated about who gets what and who can do what."""
    edge = settings.edge
    by_hash = edge.balancer in HASH_BALANCERS
    return (
        *_choice(settings),
        edge.capacity,
        edge.peak,
        (edge.hash_on, edge.key_skew, edge.hash_keys) if by_hash else None,
    )


def _choice(settings: SnapshotSettings) -> tuple[object, ...]:
    """Return balancer and weights; equal weights are none."""
    edge = settings.edge
    weighted = len(set(edge.weights)) > 1 and edge.balancer != WEIGHTLESS_BALANCER
    return edge.balancer, edge.weights if weighted else ()


def _hashes_at_once(identity: IdentitySettings) -> float:
    """Return the stated hashes at once of all replicas; without a statement, those of all cores."""
    return identity.hash_concurrency * identity.replicas or float("inf")
