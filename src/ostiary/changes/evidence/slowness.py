"""Evidence that the canary answers slower than the control usually does.

A request is *slow* when it took longer than a threshold that was fixed before it: well above the
95th percentile of the last good version's past (see `guard.slowness`). Two things must both be so
before it counts as harm, because each alone has an innocent explanation:

- more than 7 % of the canary's requests are slow. By the threshold's definition at most 5 % are of
  a version like the last good one, and of a release that is slower by a quarter as well, whatever
  the distribution is.
- the canary's odds of being slow are more than twice the control's in the same block. So a surge
  that slows everybody down is no evidence against the canary.

In each block the null is "one of the two is not so". The smaller of two e-values is valid under
either null, therefore the smaller factor is taken in each block, per bet: method A with twice the
odds tolerated, and the binomial likelihood ratio against 7 %. Both bet on the same multiples.
"""

from dataclasses import dataclass

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.mixture import NO_BETS, conditional_bets, log_mean, rate_bets

_RATE_MAX = 0.07
_ODDS_RATIO_MAX = 2.0


@dataclass(frozen=True, slots=True)
class SlownessEvidence:
    """The logarithms of the bets on one stratum's slow requests."""

    logs: tuple[float, ...] = NO_BETS

    @property
    def log_e(self) -> float:
        """Return the log e-value against "as fast as the control, or fast enough"."""
        return log_mean(self.logs)

    def update(self, canary: Trials, control: Trials) -> "SlownessEvidence":
        """Return the evidence after one block; events are slow requests."""
        if not (canary.requests and control.requests):
            return self
        compared = conditional_bets(NO_BETS, canary, control, _ODDS_RATIO_MAX)
        by_itself = rate_bets(NO_BETS, canary, _RATE_MAX)
        return SlownessEvidence(
            tuple(
                value + min(pair)
                for value, *pair in zip(self.logs, compared, by_itself, strict=True)
            )
        )


NO_SLOWNESS = SlownessEvidence()
