"""Both methods on one metric of one stratum, averaged."""

from dataclasses import dataclass
from math import exp, log, log1p

from ostiary.changes.evidence import two_sample
from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.mixture import NO_BETS, conditional_bets, log_mean


@dataclass(frozen=True, slots=True)
class PairedProcess:
    """Methods A and C on one metric; `log_e` is the logarithm of their average."""

    conditional_logs: tuple[float, ...] = NO_BETS
    two_sample_log: float = 0.0
    log_e: float = 0.0

    def update(
        self, canary: Trials, control: Trials, past: tuple[Trials, Trials], tolerance: float
    ) -> "PairedProcess":
        """Return the process after one block; `past` is what was known before it."""
        bets = conditional_bets(self.conditional_logs, canary, control, tolerance)
        two = self.two_sample_log + two_sample.log_factor(canary, control, past, tolerance)
        one = log_mean(bets)
        larger, smaller = max(one, two), min(one, two)
        return PairedProcess(bets, two, larger + log1p(exp(smaller - larger)) - log(2.0))
