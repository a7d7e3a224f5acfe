"""What the replicas tell of tokens by who minted them: accepted and refused, in holders.

Only the last good version's replicas are asked: a canary could say anything of its own tokens.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

from ostiary.changes.evidence.counts import Trials
from ostiary.runtime.ports import Replica

_LINE = re.compile(
    r"ostiary_identity_token_holders_total"
    r'{minted_by="([A-Za-z0-9._-]{1,64})",result="(accepted|refused)"} (\S+)'
)
_COUNT_MAX = 1e12

_Counts = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Minted:
    """Holders whose tokens the last good version was shown; events are those that it refused."""

    by_canary: Trials
    by_last_good: Trials

    def since(self, earlier: "Minted") -> "Minted":
        """Return what was counted after an earlier reading."""
        return Minted(
            _difference(self.by_canary, earlier.by_canary),
            _difference(self.by_last_good, earlier.by_last_good),
        )


class MintWatch:
    """Adds up what each replica has told so far; a replica that is gone is not forgotten."""

    def __init__(self) -> None:
        """Start without having heard of any."""
        self._last: dict[str, _Counts] = {}
        self._totals: dict[str, _Counts] = {}

    def read(self, replica: Replica, metrics: str) -> None:
        """Take one replica's metrics; those of an older release tell nothing of this."""
        counts: _Counts = Counter()
        for line in metrics.splitlines():
            if found := _LINE.fullmatch(line):
                counts[found[1], found[2]] = _number(found[3])
        before = self._last.get(replica.name, Counter())
        totals = self._totals.setdefault(replica.snapshot, Counter())
        for key, count in counts.items():
            totals[key] += max(0, count - before[key])
        self._last[replica.name] = counts

    def totals(self, *, last_good: str, canary: str) -> Minted:
        """Return what the replicas of one snapshot were shown of two snapshots' tokens."""
        seen = self._totals.get(last_good, Counter())
        return Minted(_holders(seen, canary), _holders(seen, last_good))


def _holders(counts: _Counts, minter: str) -> Trials:
    refused = counts[minter, "refused"]
    return Trials(counts[minter, "accepted"] + refused, refused)


def _difference(new: Trials, old: Trials) -> Trials:
    return Trials(new.requests - old.requests, new.events - old.events)


def _number(text: str) -> int:
    """Return a count; a release may write anything there."""
    try:
        value = float(text)
    except ValueError:
        return 0
    return int(value) if math.isfinite(value) and 0 <= value <= _COUNT_MAX else 0
