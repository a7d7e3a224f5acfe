"""Envoy's ring hash, as far as it decides who gets which key.

Consistent hashing with many points per replica (ketama, R. Jones 2007; D. Karger et al. 1997). The
same as in Envoy 1.40: xxHash64, a point for "address_number", the number of points by weight, the
sizes of the ring, and the choice of the first point at or after a key.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ostiary.changes.load.xxhash import xxh64

SIZE_MIN, SIZE_MAX = 1_024, 8 * 1024 * 1024
"""Envoy's defaults for the points of a ring."""

_ALL = 1 << 64


def ring_size(weights: Sequence[int]) -> int:
    """Return how many points a ring for these weights has."""
    return math.ceil(_scale(weights))


def _scale(weights: Sequence[int]) -> float:
    """Return the points per share: the lightest replica gets a whole number of them."""
    least = min(weights) / sum(weights)
    return min(math.ceil(least * SIZE_MIN) / least, float(SIZE_MAX))


@dataclass(frozen=True)
class Ring:
    """Points in their order, and the seat that each one belongs to."""

    points: Sequence[int]
    owners: Sequence[int]

    @classmethod
    def of(cls, names: Sequence[str], weights: Sequence[int]) -> "Ring":
        """Return the ring of replicas with these addresses and weights."""
        scale, total = _scale(weights), sum(weights)
        found: list[tuple[int, int]] = []
        wanted = 0.0
        for seat, (name, weight) in enumerate(zip(names, weights, strict=True)):
            wanted += scale * (weight / total)
            number = 0
            while len(found) < wanted:
                found.append((xxh64(f"{name}_{number}".encode()), seat))
                number += 1
        found.sort()
        return cls([point for point, _ in found], [seat for _, seat in found])

    def owner(self, key: int) -> int:
        """Return the seat that gets a key."""
        return self.owners[self._place(key)]

    def heir(self, key: int) -> int:
        """Return the seat that gets a key when its owner is lost."""
        return self._heirs[self._place(key)]

    def evenly(self) -> list[float]:
        """Return the share of each seat in a great number of light keys."""
        shares = [0.0] * (max(self.owners) + 1)
        for place, seat in enumerate(self.owners):
            shares[seat] += self._arc(place)
        return shares

    def evenly_moved(self) -> Mapping[tuple[int, int], float]:
        """Return what moves from one seat to another when the first is lost, of light keys."""
        moved: defaultdict[tuple[int, int], float] = defaultdict(float)
        for place, (seat, heir) in enumerate(zip(self.owners, self._heirs, strict=True)):
            moved[seat, heir] += self._arc(place)
        return moved

    def _place(self, key: int) -> int:
        place = bisect_left(self.points, key)
        return 0 if place == len(self.points) else place

    def _arc(self, place: int) -> float:
        return ((self.points[place] - self.points[place - 1]) % _ALL or _ALL) / _ALL

    @cached_property
    def _heirs(self) -> list[int]:
        """Return for each point the owner of the next point that belongs to somebody else."""
        heirs = list(self.owners)
        # Twice around, because the run of one seat may reach over the end of the list.
        for place in reversed(range(-len(heirs), len(heirs))):
            following = (place + 1) % len(heirs)
            is_own = self.owners[following] == self.owners[place]
            heirs[place] = heirs[following] if is_own else self.owners[following]
        return heirs
