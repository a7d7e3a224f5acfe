"""How unevenly sign-ins fall on client networks, in bounded memory and without any address.

Kept are keyed hashes under a key that nobody else has and that ends with the process, so that what
is kept says nothing about who was here. The heaviest networks are found as by J. Misra and
D. Gries, "Finding Repeated Elements", 1982: a count is at most `total / (counters + 1)` too low.
The number of distinct networks is estimated by the smallest hashes (Z. Bar-Yossef et al.,
"Counting Distinct Elements in a Data Stream", 2002), to within six percent or so.
"""

import hashlib
import heapq
import ipaddress
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random

RANKS = 16
"""How many of the heaviest networks are told of, by rank."""

_COUNTERS = 1_024
_SMALLEST = 256
_GENERATION_SECONDS = 24 * 3600.0
_KEY_BYTES = 16
_RANGE = 1 << 64
_OWN_IPV6 = "::/64"
"""The network that ::1 counts as."""


@dataclass(frozen=True, slots=True)
class ClientSpread:
    """Parts of all sign-ins that the heaviest networks had, heaviest first; networks; sign-ins."""

    shares: tuple[float, ...]
    networks: int
    sign_ins: int


@dataclass(slots=True)
class _Generation:
    """Counts of one day."""

    began: float
    total: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    smallest: list[int] = field(default_factory=list)
    """The smallest hashes, negated: the heap's first is the largest of them."""

    def add(self, name: int) -> None:
        self.total += 1
        if name in self.counts:
            self.counts[name] += 1
        elif len(self.counts) < _COUNTERS:
            self.counts[name] = 1
        else:
            self.counts = {key: count - 1 for key, count in self.counts.items() if count > 1}
        if len(self.smallest) < _SMALLEST:
            if -name not in self.smallest:
                heapq.heappush(self.smallest, -name)
        elif -name > self.smallest[0] and -name not in self.smallest:
            heapq.heapreplace(self.smallest, -name)


class ClientSketch:
    """Counts sign-ins by network over the last one to two days. Threads may share it."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._key = bytes.fromhex(rng.hex(_KEY_BYTES))
        self._lock = threading.Lock()
        self._generations = [_Generation(clock.monotonic())]

    def count(self, network: str) -> None:
        """Count one sign-in. Those of the machine itself are the guard's, and do not count."""
        if not network or _is_own(network):
            return
        digest = hashlib.blake2b(network.encode(), digest_size=8, key=self._key).digest()
        with self._lock:
            self._turn()
            self._generations[0].add(int.from_bytes(digest, "big"))

    def spread(self) -> ClientSpread:
        """Return what has been counted."""
        with self._lock:
            self._turn()
            counts: dict[int, int] = {}
            for generation in self._generations:
                for name, count in generation.counts.items():
                    counts[name] = counts.get(name, 0) + count
            smallest = {-name for each in self._generations for name in each.smallest}
            total = sum(generation.total for generation in self._generations)
        heaviest = heapq.nlargest(RANKS, counts.values())
        return ClientSpread(tuple(count / total for count in heaviest), _distinct(smallest), total)

    def _turn(self) -> None:
        """Begin another day when one is over, and forget the one before the last."""
        now = self._clock.monotonic()
        if now - self._generations[0].began >= _GENERATION_SECONDS:
            self._generations = [_Generation(now), self._generations[0]]
        if len(self._generations) > 1 and now - self._generations[1].began >= (
            2 * _GENERATION_SECONDS
        ):
            del self._generations[1]


def _distinct(smallest: Iterable[int]) -> int:
    """Return about how many different hashes there were, from the smallest of them."""
    known = sorted(smallest)[:_SMALLEST]
    if len(known) < _SMALLEST:
        return len(known)
    return round((_SMALLEST - 1) * _RANGE / known[-1])


def _is_own(network: str) -> bool:
    return network == _OWN_IPV6 or ipaddress.ip_address(network.partition("/")[0]).is_loopback
