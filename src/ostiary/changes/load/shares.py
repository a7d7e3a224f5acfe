"""Which share of the requests each seat gets, and which when the worst other one is lost.

Round robin follows the weights. Least request does while nothing is under way, and then evens out
what is under way, which is less for a replica that is slow. Random does not look at
weights at all. The hash balancers are simulated: who gets a key depends on addresses, which change
with every start, so several draws of them are made, and one that is worse than most is taken.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ostiary.changes.load.keys import KeySkew, heavy_keys
from ostiary.changes.load.maglev import Maglev
from ostiary.changes.load.ring import Ring, ring_size
from ostiary.changes.load.xxhash import xxh64

HASH_BALANCERS = frozenset({"ring_hash", "maglev"})
WEIGHTLESS_BALANCER = "random"

_DRAWS = 10
_POINTS_MAX = 40_000
"""Points of all rings that are drawn: a ring of a thousand replicas is drawn less often."""

_JUDGED_PART = 0.9
"""Nine draws of ten are no worse than the one that is judged."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Shares by seat, 0 to 1.

    `one_lost` is the largest share of each seat when one of the others is lost; None for a
    replica that is alone.
    """

    shares: tuple[float, ...]
    one_lost: tuple[float | None, ...]


def spread_of(
    balancer: str, weights: Sequence[int], skew: KeySkew, capacities: Sequence[float]
) -> Spread:
    """Return who gets how much; `capacities` decide which of several draws is worse."""
    if balancer == WEIGHTLESS_BALANCER:
        return by_weights([1] * len(weights))
    if balancer == "ring_hash":
        return _by_ring(weights, skew, capacities)
    if balancer == "maglev":
        return _by_maglev(weights, skew, capacities)
    return by_weights(weights)


def by_weights(weights: Sequence[int]) -> Spread:
    """Return shares in proportion to the weights; those of a lost seat go to all others."""
    total = sum(weights)
    shares = tuple(weight / total for weight in weights)
    return Spread(shares, tuple(_after_worst_loss(weights, shares)))


def _after_worst_loss(weights: Sequence[int], shares: Sequence[float]) -> Iterable[float | None]:
    """Yield each seat's share when the heaviest other one is lost: no other loss costs it more."""
    total = sum(weights)
    first, second = [*sorted(range(len(weights)), key=lambda seat: -weights[seat]), -1][:2]
    for seat, share in enumerate(shares):
        lost = second if seat == first else first
        yield None if lost < 0 else max(share, weights[seat] / (total - weights[lost]))


def _by_ring(weights: Sequence[int], skew: KeySkew, capacities: Sequence[float]) -> Spread:
    heavy = heavy_keys(skew)
    keys = [xxh64(f"key/{rank}".encode()) for rank in range(len(heavy))]
    draws = max(1, min(_DRAWS, _POINTS_MAX // ring_size(weights)))
    rings = [Ring.of(_addresses(draw, len(weights)), weights) for draw in range(draws)]
    drawn = [_shares(ring.evenly(), heavy, keys, ring.owner) for ring in rings]
    chosen = _worse_than_most(drawn, capacities)
    ring, shares = rings[chosen], drawn[chosen]
    moved = _moved(heavy, keys, ring.owner, ring.heir)
    tail = _tail(heavy)
    for pair, part in ring.evenly_moved().items():
        moved[pair] += tail * part
    return Spread(tuple(shares), tuple(_after_losses(shares, moved)))


def _by_maglev(weights: Sequence[int], skew: KeySkew, capacities: Sequence[float]) -> Spread:
    """Return the shares of one table, with clients drawn several times.

    In the table every seat has its exact part of the places, in an order that is as good as
    random; so other clients are as good as another table, and far cheaper.
    """
    heavy = heavy_keys(skew)
    maglev = Maglev.of(_addresses(0, len(weights)), weights)
    evenly, tail = maglev.evenly(), _tail(heavy)
    clients = [
        [xxh64(f"key/{draw}/{rank}".encode()) for rank in range(len(heavy))]
        for draw in range(_DRAWS)
    ]
    drawn = [_shares(evenly, heavy, keys, maglev.owner) for keys in clients]
    chosen = _worse_than_most(drawn, capacities)
    keys, shares = clients[chosen], drawn[chosen]
    moved = _moved(heavy, keys, maglev.owner, maglev.heir)
    rates = [
        0.0 if weight == sum(weights) else tail * part / (sum(weights) - weight)
        for part, weight in zip(evenly, weights, strict=True)
    ]
    return Spread(tuple(shares), tuple(_after_losses(shares, moved, rates, weights)))


def _shares(
    evenly: Sequence[float],
    heavy: Sequence[float],
    keys: Sequence[int],
    owner: Callable[[int], int],
) -> list[float]:
    """Return the shares of the seats: light keys evenly, heavy ones where they belong."""
    tail = _tail(heavy)
    shares = [tail * part for part in evenly]
    for key, part in zip(keys, heavy, strict=True):
        shares[owner(key)] += part
    return shares


def _tail(heavy: Sequence[float]) -> float:
    return max(0.0, 1.0 - math.fsum(heavy))


def _worse_than_most(drawn: Sequence[Sequence[float]], capacities: Sequence[float]) -> int:
    """Return which draw loads its most loaded seat more than most draws do."""
    worst = [
        max(share / capacity for share, capacity in zip(shares, capacities, strict=True))
        for shares in drawn
    ]
    order = sorted(range(len(drawn)), key=worst.__getitem__)
    return order[math.ceil(_JUDGED_PART * len(drawn)) - 1]


def _moved(
    heavy: Sequence[float],
    keys: Sequence[int],
    owner: Callable[[int], int],
    heir: Callable[[int], int],
) -> defaultdict[tuple[int, int], float]:
    """Return what moves from one seat to another when the first is lost, of heavy keys."""
    moved: defaultdict[tuple[int, int], float] = defaultdict(float)
    for key, part in zip(keys, heavy, strict=True):
        moved[owner(key), heir(key)] += part
    return moved


def _after_losses(
    shares: Sequence[float],
    moved: Mapping[tuple[int, int], float],
    rates: Sequence[float] = (),
    weights: Sequence[int] = (),
) -> Iterable[float | None]:
    """Yield each seat's share after the loss that is worst for it.

    `moved` names what one seat gets of another. Of a seat whose `rates` are given, every other
    one also gets its weight times the rate.
    """
    if len(shares) == 1:
        yield None
        return
    rates, weights = rates or [0.0] * len(shares), weights or [0] * len(shares)
    first, second = sorted(range(len(rates)), key=lambda seat: -rates[seat])[:2]
    gained = [
        weight * rates[second if seat == first else first] for seat, weight in enumerate(weights)
    ]
    for (lost, heir), part in moved.items():
        gained[heir] = max(gained[heir], part + weights[heir] * rates[lost])
    yield from (share + gain for share, gain in zip(shares, gained, strict=True))


def _addresses(draw: int, count: int) -> list[str]:
    """Return addresses that nobody has: the real ones are not known before the start."""
    return [f"draw-{draw}/seat-{seat}" for seat in range(count)]
