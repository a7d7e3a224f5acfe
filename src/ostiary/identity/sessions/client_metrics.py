"""Prometheus metrics of how unevenly sign-ins fall on clients."""

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ostiary.identity.sessions.client_sketch import ClientSpread


class ClientMetrics(Collector):
    """Tells how unevenly sign-ins fall on client networks; no network can be told from it."""

    def __init__(self, spread: Callable[[], ClientSpread]) -> None:
        self._spread = spread

    def collect(self) -> Iterable[Metric]:
        """Return the parts of the heaviest networks by rank, and what they are parts of."""
        spread = self._spread()
        shares = GaugeMetricFamily(
            "ostiary_identity_client_share",
            "Part of the counted sign-ins that came from one network, by its rank.",
            labels=("rank",),
        )
        for rank, share in enumerate(spread.shares, start=1):
            shares.add_metric((str(rank),), round(share, 6))
        yield shares
        for name, text, value in (
            ("client_networks", "Estimated number of networks of the last days.", spread.networks),
            ("client_sign_ins", "Sign-ins of the last days that were counted.", spread.sign_ins),
        ):
            yield GaugeMetricFamily(f"ostiary_identity_{name}", text, value=value)
