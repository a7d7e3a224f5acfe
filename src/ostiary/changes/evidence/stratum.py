"""The evidence of one stratum: blocks of windows, and one pair of e-processes per metric."""

from dataclasses import dataclass, field, replace

from ostiary.changes.evidence import noninferiority
from ostiary.changes.evidence.counts import BLOCK_REQUESTS_MIN, NO_COUNTS, ArmCounts, Trials
from ostiary.changes.evidence.metrics import PAIRED, Metric, trials
from ostiary.changes.evidence.minted import NOTHING_MINTED, MintedEvidence
from ostiary.changes.evidence.paired import PairedProcess
from ostiary.changes.evidence.slowness import NO_SLOWNESS, SlownessEvidence
from ostiary.changes.evidence.unpaired import (
    NO_UNPAIRED_EVIDENCE,
    UnpairedEvidence,
    overturn_limit,
)

_HARMLESS_METRICS = (Metric.FAULTS, Metric.OVERTURNED)
"""A stratum is cleared when neither of these is worse by the margin."""


@dataclass(frozen=True, slots=True)
class StratumEvidence:
    """All that is known of one stratum.

    `canary` and `control` are the counts of closed blocks, `open_canary` and `open_control` those
    of the block that is still being joined, `alone` those of a canary that had all the traffic.
    `limit` is what `unpaired` compares with, once it is needed. `harmless_logs` are the two-sample
    parts of the evidence against harm, for faults and overturned requests.
    """

    canary: ArmCounts = NO_COUNTS
    control: ArmCounts = NO_COUNTS
    open_canary: ArmCounts = NO_COUNTS
    open_control: ArmCounts = NO_COUNTS
    alone: ArmCounts = NO_COUNTS
    paired: dict[Metric, PairedProcess] = field(default_factory=dict)
    slowness: SlownessEvidence = NO_SLOWNESS
    minted: MintedEvidence = NOTHING_MINTED
    unpaired: UnpairedEvidence = NO_UNPAIRED_EVIDENCE
    limit: float | None = None
    harmless_logs: tuple[float, ...] = (0.0,) * len(_HARMLESS_METRICS)

    def with_control(
        self, canary: ArmCounts, control: ArmCounts, *, tolerance: float, margin: float
    ) -> "StratumEvidence":
        """Return the evidence after one window of both arms."""
        open_canary = self.open_canary + canary
        open_control = self.open_control + control
        if open_canary.requests + open_control.requests < BLOCK_REQUESTS_MIN:
            return replace(self, open_canary=open_canary, open_control=open_control)
        return self._closed(open_canary, open_control, tolerance=tolerance, margin=margin)

    def next_step(self, *, tolerance: float, margin: float) -> "StratumEvidence":
        """Return the evidence with the open block ended, as thin as it is."""
        if not self.open_canary.requests + self.open_control.requests:
            return self
        return self._closed(self.open_canary, self.open_control, tolerance=tolerance, margin=margin)

    def _closed(
        self,
        open_canary: ArmCounts,
        open_control: ArmCounts,
        *,
        tolerance: float,
        margin: float,
    ) -> "StratumEvidence":
        """Return the evidence after a block."""
        block_canary, later_canary = open_canary.within_requests()
        block_control, later_control = open_control.within_requests()
        return replace(
            self,
            canary=self.canary + block_canary,
            control=self.control + block_control,
            open_canary=later_canary,
            open_control=later_control,
            paired={
                metric: self._after_block(metric, block_canary, block_control, tolerance)
                for metric in PAIRED
            },
            slowness=self.slowness.update(
                trials(Metric.SLOW, block_canary), trials(Metric.SLOW, block_control)
            ),
            limit=None,
            harmless_logs=self._harmless_after(block_canary, block_control, margin),
        )

    def without_control(
        self, canary: ArmCounts, *, error: float, margin: float
    ) -> "StratumEvidence":
        """Return the evidence after one window in which the canary had all the traffic.

        `error` is the chance with which the limit's confidence sequence may fail.
        """
        limit = self.limit
        if limit is None:
            limit = overturn_limit(trials(Metric.OVERTURNED, self.control), error)
        used, _surplus = canary.within_requests()
        return replace(
            self,
            alone=self.alone + used,
            unpaired=self.unpaired.update(canary, limit),
            limit=limit,
            harmless_logs=self._harmless_after(used, NO_COUNTS, margin),
        )

    def with_minted(
        self, canary: ArmCounts, control: ArmCounts, *, tolerance: float
    ) -> "StratumEvidence":
        """Return the evidence after what one window showed of tokens by who minted them."""
        shown = trials(Metric.DISOWNED, canary), trials(Metric.DISOWNED, control)
        return replace(self, minted=self.minted.update(*shown, tolerance))

    def log_e(self, metric: Metric) -> float:
        """Return the log e-value of a metric; 0 before its first block."""
        if metric is Metric.UNPAIRED:
            return self.unpaired.log_e
        if metric is Metric.SLOW:
            return self.slowness.log_e
        if metric is Metric.DISOWNED:
            return self.minted.process.log_e
        process = self.paired.get(metric)
        return process.log_e if process else 0.0

    def log_e_harmless(self, margin: float) -> float:
        """Return the log e-value against harm by the margin: the weaker of the metrics' values."""
        canary = self.canary + self.alone
        return min(
            noninferiority.log_e(trials(metric, canary), two_sample_log, margin)
            for metric, two_sample_log in zip(_HARMLESS_METRICS, self.harmless_logs, strict=True)
        )

    def seen(self, metric: Metric) -> tuple[Trials, Trials]:
        """Return all that was counted of a metric, for canary and control."""
        if metric is Metric.DISOWNED:
            return self.minted.seen
        control = trials(metric, self.control + self.open_control)
        if metric is Metric.UNPAIRED:
            return trials(metric, self.alone), control
        return trials(metric, self.canary + self.open_canary), control

    def _after_block(
        self, metric: Metric, canary: ArmCounts, control: ArmCounts, tolerance: float
    ) -> PairedProcess:
        """Return a metric's process after a block; the wrong *yes* swaps the arms."""
        block = trials(metric, canary), trials(metric, control)
        past = trials(metric, self.canary), trials(metric, self.control)
        if metric is Metric.MISSING_REFUSALS:
            block, past = block[::-1], past[::-1]
        process = self.paired.get(metric, PairedProcess())
        return process.update(*block, past, tolerance)

    def _harmless_after(
        self, canary: ArmCounts, control: ArmCounts, margin: float
    ) -> tuple[float, ...]:
        """Return the evidence against harm after a block; both arms' past is pooled."""
        past = self.canary + self.control + self.alone
        return tuple(
            value
            + noninferiority.log_factor(
                trials(metric, canary), trials(metric, control), trials(metric, past), margin
            )
            for metric, value in zip(_HARMLESS_METRICS, self.harmless_logs, strict=True)
        )
