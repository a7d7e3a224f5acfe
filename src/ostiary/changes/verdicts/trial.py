"""What is known of one version in a rollout: runs of journeys in pairs, and counts of both arms.

A run walks the same journeys at the new version and at the stable one, at the same moment. While
the version makes no difference, a run in which only the new one fails is as likely as a run in
which only the stable one does; what fails at both is no event, for the journey or what both stand
on is broken. So runs are compared by the same e-processes as requests (`evidence.paired`), one
block each.

Journeys and counts share one error probability: E is the mean of both values, or that of the
journeys alone where nothing is counted. It reaches 1/alpha at any moment with a chance of at most
alpha while the version is harmless (Ville's inequality), and what was decided stays decided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import exp, log

from ostiary.changes.evidence import Evidence, EvidenceSettings, StratumWindow
from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.mixture import log_mean
from ostiary.changes.evidence.paired import PairedProcess
from ostiary.changes.model import Reason

_LEADING = 3
_LARGEST_LOG = 700.0
"""Beyond it there is no floating-point number."""
_NO_RUNS = Trials(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what a version is judged; fixed when its trial begins, whatever settings say later."""

    alpha: float
    routes: tuple[str, ...] = ()
    harmless_margin: float = 0.01

    @property
    def threshold(self) -> float:
        """Return what the logarithm of E is compared with: ln 1/alpha."""
        return -log(self.alpha)

    @property
    def no_counts(self) -> Evidence:
        """Return the evidence by counts before the first reading."""
        return Evidence(
            settings=EvidenceSettings(
                strata=self.routes, alpha=self.alpha, harmless_margin=self.harmless_margin
            )
        )


@dataclass(frozen=True, slots=True)
class JourneyRun:
    """One run: what failed at the new version and at the stable one, per journey; None passed.

    `canary_there` is False where nothing took connections at the new version's address: it has not
    started, or has been taken away, and that says nothing about its answers.
    """

    failures: Mapping[str, tuple[str | None, str | None]]
    canary_there: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The state of one version's trial. Times are Unix seconds, None before the first one.

    `canary` and `stable` count runs, and those in which that version alone failed. `passes` is how
    many runs in a row each journey has passed, `failing` what failed in the latest run at the new
    version alone, `broken` what failed at both. `share` is the version's share of the traffic, in
    percent, where the latest reading said it. `stopped` are the reasons once it was decided.
    """

    revision: str
    begun_at: float
    terms: Terms
    counts: Evidence
    pairs: PairedProcess = field(default_factory=PairedProcess)
    canary: Trials = _NO_RUNS
    stable: Trials = _NO_RUNS
    passes: Mapping[str, int] = field(default_factory=dict)
    failing: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    canary_there: bool | None = None
    journeys_at: float | None = None
    counts_at: float | None = None
    share: float | None = None
    stopped: tuple[Reason, ...] = ()
    ended: bool = False

    @classmethod
    def begin(cls, revision: str, terms: Terms, at: float) -> "Trial":
        """Return the trial of a version of which nothing is known yet."""
        return cls(revision=revision, begun_at=at, terms=terms, counts=terms.no_counts)

    @property
    def log_e(self) -> float:
        """Return the logarithm of E, the evidence that the version is worse than the stable one."""
        if not self.terms.routes:
            return self.pairs.log_e
        return log_mean((self.pairs.log_e, self.counts.log_e))

    @property
    def is_before_users(self) -> bool:
        """Return whether it is said to have no share, and no request to it was ever counted.

        That nothing was counted is not enough: a poster may look in the wrong place.
        """
        arms = [each.canary + each.open_canary + each.alone for each in self.counts.strata.values()]
        return self.share == 0 and not any(arm.requests for arm in arms)

    def after_run(self, run: JourneyRun, at: float) -> "Trial":
        """Return the trial after one run of the journeys."""
        failing = {name: new for name, (new, old) in run.failures.items() if new and not old}
        broken = {name: new for name, (new, old) in run.failures.items() if new and old}
        passes = {
            name: 0 if new or not run.canary_there else self.passes.get(name, 0) + 1
            for name, (new, _) in run.failures.items()
        }
        seen = replace(
            self,
            passes=passes,
            failing=failing if run.canary_there else {},
            broken=broken,
            canary_there=run.canary_there,
            journeys_at=at,
        )
        if not run.canary_there:
            return seen
        new = Trials(1, int(bool(failing)))
        old = Trials(1, int(any(old and not new for new, old in run.failures.values())))
        past = (self.canary, self.stable)
        return _decided(
            replace(
                seen,
                pairs=self.pairs.update(new, old, past, 1.0),
                canary=_sum(self.canary, new),
                stable=_sum(self.stable, old),
            )
        )

    def after_counts(
        self,
        windows: Iterable[StratumWindow],
        at: float,
        *,
        share: float | None = None,
        new_share: bool = False,
    ) -> "Trial":
        """Return the trial after a reading of counters; `new_share` where shares were changed."""
        counts = self.counts.next_step() if new_share else self.counts
        return _decided(replace(self, counts=counts.update(windows), counts_at=at, share=share))

    def speaking(self) -> tuple[Reason, ...]:
        """Return what speaks against the version, the weightiest counts after the journeys."""
        journeys = tuple(
            Reason("journey_fails", f"{text} The stable version passes.", {"journey": name})
            for name, text in self.failing.items()
        )
        counted = tuple(
            Reason(f"counts_{each.metric.value}", f"{each.text}.", {"log_e": each.log_e})
            for each in self.counts.leading(_LEADING)
        )
        return (*journeys, *counted)


def _decided(trial: Trial) -> Trial:
    """Return the trial with its reasons where the evidence has reached the threshold now."""
    if trial.stopped or trial.log_e < trial.terms.threshold:
        return trial
    text = (
        f"The evidence that revision {trial.revision} is worse than the stable version has reached "
        f"what stops it: E = {exp(min(trial.log_e, _LARGEST_LOG)):.4g}, at least "
        f"{1 / trial.terms.alpha:.4g}."
    )
    numbers = {"log_e": trial.log_e, "threshold": trial.terms.threshold}
    total = Reason("worse_than_stable", text, numbers)
    return replace(trial, stopped=(total, *trial.speaking()))


def _sum(one: Trials, other: Trials) -> Trials:
    return Trials(one.requests + other.requests, one.events + other.events)
