"""Prometheus metrics of one replica, served by its health listener."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from ostiary.identity.passwords.counts import GateCounts
from ostiary.kernel.outcomes import Outcome

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def name_of_method(method: str) -> str:
    """Return an HTTP method as it may be counted and logged: one that nobody uses is `other`.

    A request can name any method (RFC 9110, section 9.1), so that otherwise strangers could make
    series without end and choose what stands in the log.
    """
    return method if method in _METHODS else "other"


class RequestMetrics:
    """Counts answers by route and outcome, and measures how long they took, in seconds."""

    def __init__(self, snapshot: str) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "ostiary_identity_answers_total",
            "Answers by route, method and outcome.",
            ("snapshot", "route", "method", "outcome"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "ostiary_identity_answer_seconds",
            "Seconds from a request's arrival at the replica to its answer.",
            ("route",),
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._snapshot = snapshot
        # Looking a series up by its labels costs more than counting.
        self._series: dict[tuple[str, str, Outcome], tuple[Counter, Histogram]] = {}

    def add(self, collector: Collector) -> None:
        """Let another part of the replica tell what it has counted, whenever it is asked."""
        self._registry.register(collector)

    def observe(self, route: str, method: str, outcome: Outcome, seconds: float) -> None:
        """Count one answer."""
        key = (route, name_of_method(method), outcome)
        series = self._series.get(key)
        if series is None:
            answers = self._answers.labels(self._snapshot, *key[:2], outcome.value)
            series = self._series[key] = (answers, self._seconds.labels(route))
        series[0].inc()
        series[1].observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class HashMetrics(Collector):
    """Tells how the gate before password hashes fares; read only when somebody asks."""

    def __init__(self, counts: Callable[[], GateCounts]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Return queue, hashes and requests sent away, by priority; times in seconds."""
        counts = self._counts()
        yield GaugeMetricFamily(
            "ostiary_identity_hash_queue_length",
            "Requests that wait for a password hash.",
            value=counts.waiting,
        )
        yield GaugeMetricFamily(
            "ostiary_identity_hashes_running", "Password hashes being made.", value=counts.running
        )
        requests = CounterMetricFamily(
            "ostiary_identity_hash_requests",
            "Requests for a password hash by priority, and whether they were hashed or shed.",
            labels=("priority", "result"),
        )
        for result, by_priority in (("hashed", counts.hashed), ("shed", counts.shed)):
            for priority, count in by_priority.items():
                requests.add_metric((priority.name.lower(), result), count)
        yield requests
        hashed = sum(counts.hashed.values())
        for name, text, seconds in (
            ("hash", "Seconds that password hashes took.", counts.hash_seconds),
            ("hash_wait", "Seconds that hashed requests waited before.", counts.wait_seconds),
        ):
            yield SummaryMetricFamily(
                f"ostiary_identity_{name}_seconds", text, count_value=hashed, sum_value=seconds
            )
