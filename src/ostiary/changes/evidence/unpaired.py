"""Evidence while the canary has all the traffic, and no control arm answers beside it.

What is left is the second opinion: how many of the canary's requests did the last good version
overturn? Two nulls must both be rejected, so the e-value is the smaller of two, which is valid
under either null.

*The rate is bearable.* Per window, at most a limit of the requests is overturned. The limit comes
from the control arm of the canary stage: the upper end of a confidence sequence for its rate (valid
at whatever moment the canary stage ended), doubled, since rates drift, and at least 0.5 %. Without
any history it is 20 %. The e-process is the binomial likelihood ratio, mixed over odds ratios as in
method A; it is monotone in the rate, so it holds for any rates below the limit, varying as they
like.

*It is chance that hits every version alike.* When a shared part flaps, an attempt of either version
fails with some chance e, different in each window. Then a request is overturned with chance
e(1-e), but it also fails twice with chance e². The bet multiplies by s = 1-ε per request that went
well, by L per overturned one and by d = 1/2 per one that failed twice, where
L = d + (√ε + √(1-d))² is the largest for which (1-e)s + e(1-e)L + e²d ≤ 1 for all e. A canary that
is broken is overturned more often than chance allows; a shared outage never is. A fault whose
second opinion is still under way counts as failed twice until it is overturned: with any larger
factor, an outage of both versions would look like harm until its last second opinions came in.

What the stated error rate therefore assumes here, and nowhere else: a healthy release is overturned
in at most the limit of its requests, or because of faults that strike first and second attempts
independently and alike. The confidence sequence may itself err; what that may cost is set apart
from alpha in `metrics`.
"""

from dataclasses import dataclass, replace
from math import lgamma, log, log1p, sqrt

from ostiary.changes.evidence.counts import ArmCounts, Trials
from ostiary.changes.evidence.mixture import NO_BETS, log_mean, rate_bets

_DRIFT = 2.0
_LIMIT_MIN = 0.005
_LIMIT_MAX = 0.2
_TWICE_FAILED = 0.5
_STAKES = (0.9, 0.5, 0.25, 0.1, 0.03, 0.01, 0.003)
"""The bets ε against chance; large ones find a broken canary fast, small ones a rare fault."""
_NO_STAKES = (0.0,) * len(_STAKES)
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class UnpairedEvidence:
    """The state of both e-processes for one stratum.

    `pending` are second opinions that came in before their first attempt was counted, `unresolved`
    faults of the latest window that had any requests, which may still be overturned.
    """

    pending: int = 0
    unresolved: int = 0
    limit_logs: tuple[float, ...] = NO_BETS
    chance_logs: tuple[float, ...] = _NO_STAKES

    @property
    def log_e(self) -> float:
        """Return the log e-value against both nulls."""
        return min(log_mean(self.limit_logs), log_mean(self.chance_logs))

    def update(self, canary: ArmCounts, limit: float) -> "UnpairedEvidence":
        """Return the evidence after one window of canary counts; `limit` is known before it."""
        known = self.pending + canary.overturned
        if not canary.requests:
            return replace(self, pending=known)
        overturned = min(canary.requests, known)
        # A subject's further ones speak neither for the canary nor against it.
        resolved = overturned + min(canary.repeats, canary.requests - overturned)
        late = min(self.unresolved, resolved)
        at_once = resolved - late
        unresolved = max(0, min(canary.faults, canary.requests) - at_once)
        went_well = canary.requests - at_once - unresolved
        return UnpairedEvidence(
            pending=known - overturned,
            unresolved=unresolved,
            limit_logs=rate_bets(self.limit_logs, Trials(canary.requests, overturned), limit),
            # What is overturned late was counted as failed twice before.
            chance_logs=_bet_against_chance(
                self.chance_logs, went_well, overturned, twice=unresolved - late
            ),
        )


NO_UNPAIRED_EVIDENCE = UnpairedEvidence()


def overturn_limit(control: Trials, error: float) -> float:
    """Return the rate of overturned requests that a healthy canary is taken to stay below.

    `control` is the control arm's history, `error` the chance that its confidence sequence may
    fail. The sequence is the one of the Beta(1/2, 1/2) mixture: it excludes a rate p once
    B(k+1/2, n-k+1/2) / (B(1/2, 1/2) p^k (1-p)^{n-k}) reaches 1/error (Ville's inequality).
    """
    if control.events >= control.requests:
        return _LIMIT_MAX
    low, high = control.events / control.requests, 1.0
    for _ in range(_BISECTIONS):
        rate = (low + high) / 2.0
        if _log_mixture_ratio(control, rate) < -log(error):
            low = rate
        else:
            high = rate
    return min(_LIMIT_MAX, max(_LIMIT_MIN, _DRIFT * high))


def _log_mixture_ratio(trials: Trials, rate: float) -> float:
    """Return how much better the Beta mixture explains the trials than one rate does."""
    others = trials.requests - trials.events
    mixture = lgamma(trials.events + 0.5) + lgamma(others + 0.5) - lgamma(trials.requests + 1.0)
    return mixture - 2.0 * lgamma(0.5) - trials.events * log(rate) - others * log1p(-rate)


def _bet_against_chance(
    logs: tuple[float, ...], went_well: int, overturned: int, twice: int
) -> tuple[float, ...]:
    """Return the log e-values against "a shared part flaps", one per stake."""
    return tuple(
        value
        + went_well * log1p(-stake)
        + overturned * log(_reward(stake))
        + twice * log(_TWICE_FAILED)
        for value, stake in zip(logs, _STAKES, strict=True)
    )


def _reward(stake: float) -> float:
    """Return the largest fair factor of an overturned request."""
    return _TWICE_FAILED + (sqrt(stake) + sqrt(1.0 - _TWICE_FAILED)) ** 2
