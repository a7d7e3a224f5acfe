"""Envoy's Maglev table, as far as it decides who gets which key.

D. E. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
section 3.4: replicas take turns to claim places of the table, each in an order of its own. The same
as in Envoy 1.40: the size of the table, xxHash64 for offset and skip, turns by weight, and in each
round first the replica whose address sorts first as text, whatever the order of the settings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ostiary.changes.load.xxhash import xxh64

TABLE_SIZE = 65_537
"""Envoy's default, a prime."""

_FREE = -1


@dataclass(frozen=True)
class Maglev:
    """The seat that owns each place of the table, and in which order each seat asks for places."""

    table: Sequence[int]
    offsets: Sequence[int]
    skips: Sequence[int]
    weights: Sequence[int]

    @classmethod
    def of(cls, names: Sequence[str], weights: Sequence[int]) -> "Maglev":
        """Return the table of replicas with these addresses and weights."""
        offsets = [xxh64(name.encode()) % TABLE_SIZE for name in names]
        skips = [xxh64(name.encode(), 1) % (TABLE_SIZE - 1) + 1 for name in names]
        turns = sorted(range(len(names)), key=lambda seat: names[seat])
        return cls(_filled(turns, offsets, skips, weights), offsets, skips, weights)

    def owner(self, key: int) -> int:
        """Return the seat that gets a key."""
        return self.table[key % TABLE_SIZE]

    def heir(self, key: int) -> int:
        """Return the seat that gets a key when its owner is lost.

        It is the one that would have asked for the place first: a seat that has asked for a part p
        of all places is as far as any other when -ln(1 - p) is in proportion to its weight, since
        turns are, and what it has not asked for is free as far as the others have not. Envoy
        builds the table anew, and then moves a few other keys as well; whom a key falls to follows
        the same distribution.
        """
        place = key % TABLE_SIZE
        heir = owner = self.table[place]
        soonest = math.inf
        # A loop, since a thousand replicas are asked for each of a thousand keys.
        for seat, (offset, inverse, weight) in enumerate(self._orders):
            asked = ((place - offset) * inverse % TABLE_SIZE + 0.5) / TABLE_SIZE
            turn = -math.log1p(-asked) / weight
            if turn < soonest and seat != owner:
                heir, soonest = seat, turn
        return heir

    def evenly(self) -> list[float]:
        """Return the share of each seat in a great number of light keys."""
        counts = [0] * len(self.weights)
        for seat in self.table:
            counts[seat] += 1
        return [count / TABLE_SIZE for count in counts]

    @cached_property
    def _orders(self) -> list[tuple[int, int, int]]:
        """Return what tells when a seat asks for a place: its position in the seat's own order."""
        inverses = [pow(skip, -1, TABLE_SIZE) for skip in self.skips]
        return list(zip(self.offsets, inverses, self.weights, strict=True))


def _filled(
    turns: Sequence[int], offsets: Sequence[int], skips: Sequence[int], weights: Sequence[int]
) -> list[int]:
    """Return the table; in each round a seat has as many turns as its weight to the greatest."""
    total = sum(weights)
    shares = [weight / total for weight in weights]
    greatest = max(shares)
    targets = [0.0] * len(weights)
    places = list(offsets)
    table = [_FREE] * TABLE_SIZE
    left, rounds = TABLE_SIZE, 0
    while left:
        rounds += 1
        for seat in turns:
            if rounds * shares[seat] < targets[seat]:
                continue
            targets[seat] += greatest
            place, skip = places[seat], skips[seat]
            while table[place] != _FREE:
                place += skip
                if place >= TABLE_SIZE:
                    place -= TABLE_SIZE
            table[place], places[seat] = seat, place
            left -= 1
            if not left:
                break
    return table
