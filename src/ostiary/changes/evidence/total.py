"""The evidence against one change: all strata and metrics together, compared with 1/alpha."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import exp, log, log1p

from ostiary.changes.evidence.counts import NO_COUNTS, StratumWindow
from ostiary.changes.evidence.metrics import (
    BOUND_SHARE,
    OTHER_STRATUM,
    Metric,
    bound_error,
    in_words,
    weight,
)
from ostiary.changes.evidence.mixture import log_weighted_sum
from ostiary.changes.evidence.stratum import StratumEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSettings:
    """What a change's evidence is judged by; fixed when the change begins.

    `strata` is the closed list of route classes and kinds of requests. `alpha` is the largest
    chance that a harmless change is rolled back. `odds_tolerance` is the odds ratio that still
    counts as harmless, except for `SLOW`, which has its own.
    `harmless_margin` (Δ, a difference of rates) and `harmless_alpha` are for clearing a stratum.
    Raises `ValueError` for numbers outside their range or a stratum listed twice.
    """

    strata: tuple[str, ...]
    alpha: float = 0.001
    odds_tolerance: float = 1.0
    harmless_margin: float = 0.01
    harmless_alpha: float = 0.05

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("alpha", "harmless_margin", "harmless_alpha"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}.")
        if self.odds_tolerance < 1.0:
            raise ValueError(f"odds_tolerance must be at least 1, not {self.odds_tolerance}.")
        if len({*self.strata, OTHER_STRATUM}) != len(self.strata) + 1:
            raise ValueError(f"Strata must differ, and none is named {OTHER_STRATUM!r}.")


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much one stratum and metric add to the total, and what was counted."""

    stratum: str
    metric: Metric
    log_e: float
    share: float
    canary_requests: int
    canary_events: int
    control_requests: int
    control_events: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Sequential evidence that the canary is worse than the last good version.

    The total is E = Σ weight x E(stratum, metric). While the change is harmless, the expectation
    of no factor exceeds 1, so P(E ever reaches 1/alpha) ≤ alpha (Ville's inequality), however often
    it is looked at and however thin the traffic. "Harmless" means: in every block of windows the
    arm makes no difference to how a request ends, or the canary is better in every metric.
    Assignment to arms must be random per request. What is assumed in addition stands in
    `two_sample` (within a block) and in `unpaired` (without a control arm).

    `peak_log_e` is the largest value at the end of any window: what was decided stays decided.
    """

    settings: EvidenceSettings
    strata: Mapping[str, StratumEvidence] = field(default_factory=dict)
    windows: int = 0
    log_e: float = log1p(-BOUND_SHARE)
    peak_log_e: float = log1p(-BOUND_SHARE)

    @property
    def threshold(self) -> float:
        """Return what `log_e` is compared with: ln 1/alpha."""
        return -log(self.settings.alpha)

    @property
    def decided(self) -> bool:
        """Return whether the evidence against the change has ever reached the threshold."""
        return self.peak_log_e >= self.threshold

    @property
    def harmless(self) -> frozenset[str]:
        """Return the strata that are cleared by evidence that the canary is not worse there."""
        margin, needed = self.settings.harmless_margin, -log(self.settings.harmless_alpha)
        return frozenset(
            name
            for name, stratum in self.strata.items()
            if stratum.log_e_harmless(margin) >= needed
        )

    def update(self, windows: Iterable[StratumWindow], *, control_arm: bool = True) -> "Evidence":
        """Return the evidence after one window of all strata that had traffic.

        `control_arm` says whether a share of the traffic goes to the control arm, of all strata or
        else only of those that keep theirs. It must be known before the window, not read from its
        counts.
        """
        strata = dict(self.strata)
        for name, window in self._pooled(windows).items():
            strata[name] = self._after(strata.get(name, StratumEvidence()), window, control_arm)
        log_e = self._total(strata)
        return replace(
            self,
            strata=strata,
            windows=self.windows + 1,
            log_e=log_e,
            peak_log_e=max(self.peak_log_e, log_e),
        )

    def next_step(self) -> "Evidence":
        """Return the evidence at a moment at which the share changes: open blocks end there."""
        strata = {
            name: stratum.next_step(
                tolerance=self.settings.odds_tolerance, margin=self.settings.harmless_margin
            )
            for name, stratum in self.strata.items()
        }
        log_e = self._total(strata)
        return replace(self, strata=strata, log_e=log_e, peak_log_e=max(self.peak_log_e, log_e))

    def leading(self, count: int) -> tuple[Contribution, ...]:
        """Return at most `count` contributions that speak for harm, the weightiest first."""
        found = [
            self._contribution(name, stratum, metric)
            for name, stratum in self.strata.items()
            for metric in Metric
            if stratum.log_e(metric) > 0.0
        ]
        found.sort(key=lambda contribution: -contribution.share)
        return tuple(found[:count])

    def weight(self, metric: Metric) -> float:
        """Return the weight of a metric in any one stratum."""
        return weight(metric, len(self.settings.strata))

    def _pooled(self, windows: Iterable[StratumWindow]) -> dict[str, StratumWindow]:
        """Return one window per stratum; strata that nobody listed are counted together."""
        pooled: dict[str, StratumWindow] = {}
        for window in windows:
            name = window.stratum if window.stratum in self.settings.strata else OTHER_STRATUM
            known = pooled.get(name, StratumWindow(name, NO_COUNTS, NO_COUNTS))
            pooled[name] = StratumWindow(
                name,
                known.canary + window.canary,
                known.control + window.control,
                keeps_control=window.keeps_control and name != OTHER_STRATUM,
            )
        return pooled

    def _after(
        self, stratum: StratumEvidence, window: StratumWindow, control_arm: bool
    ) -> StratumEvidence:
        """Return one stratum's evidence after its window."""
        margin, tolerance = self.settings.harmless_margin, self.settings.odds_tolerance
        stratum = stratum.with_minted(window.canary, window.control, tolerance=tolerance)
        if control_arm or window.keeps_control:
            return stratum.with_control(
                window.canary, window.control, tolerance=tolerance, margin=margin
            )
        error = bound_error(self.settings.alpha, len(self.settings.strata))
        return stratum.without_control(window.canary, error=error, margin=margin)

    def _total(self, strata: Mapping[str, StratumEvidence]) -> float:
        """Return the logarithm of the weighted mean; what has no traffic counts as 1."""
        idle = len(self.settings.strata) + 1 - len(strata)
        parts = [
            (self.weight(metric), stratum.log_e(metric))
            for stratum in strata.values()
            for metric in Metric
        ]
        parts.append((idle * sum(map(self.weight, Metric)), 0.0))
        return log_weighted_sum(parts)

    def _contribution(self, name: str, stratum: StratumEvidence, metric: Metric) -> Contribution:
        """Return what one metric of one stratum adds, as a share of the total and in words."""
        canary, control = stratum.seen(metric)
        log_e = stratum.log_e(metric)
        return Contribution(
            stratum=name,
            metric=metric,
            log_e=log_e,
            share=self.weight(metric) * exp(log_e - self.log_e),
            canary_requests=canary.requests,
            canary_events=canary.events,
            control_requests=control.requests,
            control_events=control.events,
            text=in_words(metric, name, canary, control, self.settings.strata),
        )
