"""Prometheus metrics of one replica, served by its health listener."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from ostiary.kernel.outcomes import Outcome

_BUCKETS_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


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

    def observe(self, route: str, method: str, outcome: Outcome, seconds: float) -> None:
        """Count one answer."""
        self._answers.labels(self._snapshot, route, method, outcome.value).inc()
        self._seconds.labels(route).observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
