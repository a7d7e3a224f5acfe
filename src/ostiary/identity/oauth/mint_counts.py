"""How many holders' tokens were accepted and refused here, by the snapshot that minted them."""

import threading
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.kernel.clock import Clock

_HOLDERS_MAX = 10_000
_ACCEPTED_SECONDS = 60.0


class Shown(StrEnum):
    """What became of a token that was shown."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class MintCounts(Collector):
    """Counts holders, that is users and clients, not tokens: a retry storm is one holder.

    A holder whose token is refused counts once per minting snapshot for as long as this replica
    lives, so that nobody can speak against a snapshot twice. One whose token is accepted counts
    again after a minute. Thread-safe.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Shown]] = Counter()
        self._refused: set[tuple[str, str]] = set()
        self._accepted: set[tuple[str, str]] = set()
        self._accepted_since = clock.monotonic()

    def count(self, minted_by: str, shown: Shown, holder: str) -> None:
        """Count a token that a holder has shown."""
        entry = (minted_by, holder)
        with self._lock:
            known = self._refused if shown is Shown.REFUSED else self._recently_accepted()
            if entry not in known and len(known) < _HOLDERS_MAX:
                known.add(entry)
                self._counts[minted_by, shown] += 1

    def collect(self) -> Iterable[Metric]:
        """Return the counts; the snapshots are those that have minted for this store."""
        family = CounterMetricFamily(
            "ostiary_identity_token_holders",
            "Users and clients who showed an access token, by the snapshot that minted it.",
            labels=("minted_by", "result"),
        )
        with self._lock:
            counts = dict(self._counts)
        for (minted_by, shown), count in counts.items():
            family.add_metric((minted_by, shown.value), count)
        yield family

    def _recently_accepted(self) -> set[tuple[str, str]]:
        now = self._clock.monotonic()
        if now - self._accepted_since >= _ACCEPTED_SECONDS:
            self._accepted, self._accepted_since = set(), now
        return self._accepted
