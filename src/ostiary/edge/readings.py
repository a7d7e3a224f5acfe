"""Totals over all Envoys and their restarts, from readings of each."""

from collections.abc import Sequence
from typing import TypeVar

import anyio

from ostiary.edge.admin import EnvoySilentError
from ostiary.edge.counter_text import COUNTER_FILTER, parse_counters
from ostiary.edge.counters import EdgeCounters, difference, total
from ostiary.edge.envoys import Envoy
from ostiary.edge.latencies import (
    DURATION_FILTER,
    Latencies,
    latency_difference,
    parse_latencies,
    total_latencies,
)
from ostiary.kernel.processes import ProcessRecord

T = TypeVar("T")


class Readings:
    """Adds up what each Envoy counted since it was last read.

    The last reading is kept by process, so a restarted Envoy, which counts from zero, is not
    taken for one that forgot.
    """

    def __init__(self) -> None:
        """Start at zero; what adopted Envoys have counted so far is in the first reading."""
        self._counters = EdgeCounters()
        self._latencies = Latencies()
        self._last_counters: dict[ProcessRecord, EdgeCounters] = {}
        self._last_latencies: dict[ProcessRecord, Latencies] = {}
        self._lock = anyio.Lock()

    async def counters(self, envoys: Sequence[Envoy]) -> EdgeCounters:
        """Return the totals after reading these Envoys; one that is silent is read next time."""
        async with self._lock:
            for envoy in envoys:
                try:
                    text = await envoy.admin.stats(COUNTER_FILTER, kind="Counters")
                except EnvoySilentError:
                    continue
                if envoy.record is not None:
                    now = parse_counters(text)
                    before = self._last_counters.get(envoy.record, EdgeCounters())
                    self._counters = total([self._counters, difference(now, before)])
                    self._last_counters[envoy.record] = now
            self._last_counters = _of(envoys, self._last_counters)
            return self._counters

    async def latencies(self, envoys: Sequence[Envoy]) -> Latencies:
        """Return the durations after reading these Envoys."""
        async with self._lock:
            for envoy in envoys:
                try:
                    answer = await envoy.admin.histograms(DURATION_FILTER)
                except EnvoySilentError:
                    continue
                if envoy.record is not None:
                    now = parse_latencies(answer)
                    before = self._last_latencies.get(envoy.record, Latencies())
                    added = latency_difference(now, before)
                    self._latencies = total_latencies([self._latencies, added])
                    self._last_latencies[envoy.record] = now
            self._last_latencies = _of(envoys, self._last_latencies)
            return self._latencies


def _of(envoys: Sequence[Envoy], last: dict[ProcessRecord, T]) -> dict[ProcessRecord, T]:
    """Return the readings of these Envoys; a process that has ended never counts again."""
    records = {envoy.record for envoy in envoys}
    return {record: reading for record, reading in last.items() if record in records}
