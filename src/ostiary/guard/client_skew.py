"""How unevenly users' requests fall on client networks, learnt from what the replicas tell.

Each replica tells the parts that its heaviest networks have, and how many networks there are.
Under a balancer that hashes clients each replica sees clients of its own; under every other one
all of them see the same clients.
"""

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ostiary.changes.load.keys import KeySkew, fitted_skew

SIGN_INS_MIN = 1_000
"""Fewer say nothing about clients."""

_RANKS = 16
_NETWORKS_MAX = 100_000_000
_PREFIX = "ostiary_identity_client_"
_SHARE = re.compile(rf'{_PREFIX}share{{rank="(\d{{1,2}})"}} (\S+)')


@dataclass(frozen=True, slots=True)
class Clients:
    """What one replica tells: parts of `sign_ins` by rank, and the number of networks."""

    shares: tuple[float, ...]
    networks: int
    sign_ins: float


def clients_in(text: str) -> Clients | None:
    """Return what a replica's metrics tell of clients; None in an older release, or for nonsense.

    A release may send anything here, so parts have to be parts of one that do not rise.
    """
    by_rank: dict[int, float] = {}
    values: dict[str, float] = {}
    try:
        for line in text.splitlines():
            if found := _SHARE.fullmatch(line):
                by_rank[int(found[1])] = float(found[2])
            elif line.startswith((f"{_PREFIX}networks ", f"{_PREFIX}sign_ins ")):
                name, _, value = line.removeprefix(_PREFIX).partition(" ")
                values[name] = float(value)
        shares = tuple(by_rank[rank] for rank in range(1, len(by_rank) + 1))
        networks, sign_ins = values["networks"], values["sign_ins"]
    except (KeyError, ValueError):
        return None
    rising = any(later > earlier for earlier, later in itertools.pairwise(shares))
    sane = 0 < networks <= _NETWORKS_MAX and 0 < sign_ins < math.inf
    if not sane or rising or not all(0 < share <= 1 for share in shares) or sum(shares) > 1 + 1e-4:
        return None
    return Clients(shares[:_RANKS], round(networks), sign_ins)


def learnt_skew(told: Iterable[Clients], *, clients_differ: bool) -> KeySkew | None:
    """Return the skew that fits what all replicas tell, None while they have seen too little.

    `clients_differ` says that each replica has clients of its own.
    """
    known = [each for each in told if each.shares]
    total = sum(each.sign_ins for each in known)
    if total < SIGN_INS_MIN:
        return None
    if clients_differ:
        counts = sorted(
            (share * each.sign_ins for each in known for share in each.shares), reverse=True
        )
        shares = [count / total for count in counts[:_RANKS]]
        return fitted_skew(shares, sum(each.networks for each in known))
    return fitted_skew(_mean(known, total), max(each.networks for each in known))


def _mean(known: Sequence[Clients], total: float) -> list[float]:
    """Return the mean part of each rank that all replicas tell of, by how much they have seen."""
    ranks = min(len(each.shares) for each in known)
    return [
        sum(each.shares[rank] * each.sign_ins for each in known) / total for rank in range(ranks)
    ]
