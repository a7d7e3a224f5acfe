"""The verdict about a version: `go`, `undecided` or `stop`.

`stop` takes evidence of harm and is final. `go` takes evidence of harmlessness that is fresh, and
is taken back as soon as something is missing. Everything else is `undecided`: no traffic, nobody
who has answered, a service that was asked a moment ago. Nothing that is merely missing stops a
rollout.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ostiary.changes.evidence.suspicion import suspected
from ostiary.changes.model import Reason
from ostiary.changes.verdict_settings import RolloutSettings
from ostiary.changes.verdicts.trial import Trial


class Verdict(StrEnum):
    """Whether a rollout may go on."""

    GO = "go"
    UNDECIDED = "undecided"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reasons; for `go` they are what has not been tried."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


def judge(
    trial: Trial, rollout: RolloutSettings, vouching: Mapping[str, str], now: float
) -> Judgement:
    """Return the verdict about a trial at the Unix time `now`.

    `vouching` names the class of requests that a journey vouches for, where it does.
    """
    if trial.stopped:
        return Judgement(Verdict.STOP, trial.stopped)
    if trial.ended:
        text = f"The rollout of revision {trial.revision} has ended without a stop."
        return Judgement(Verdict.UNDECIDED, (Reason("ended", text),))
    missing = (
        *_missing_runs(trial, rollout, now),
        *_missing_counts(trial, rollout, vouching, now),
        *_speaking_against(trial),
    )
    if missing:
        return Judgement(Verdict.UNDECIDED, missing)
    return Judgement(Verdict.GO, tuple(_untried(trial)))


def _missing_runs(trial: Trial, rollout: RolloutSettings, now: float) -> Iterator[Reason]:
    """Yield what is missing of the journeys; those that fail at both versions are set aside."""
    if trial.canary_there is None or trial.journeys_at is None:
        yield Reason("journeys_not_run", "No journey has run yet.")
        return
    if not trial.canary_there:
        yield Reason(
            "canary_not_there",
            "No connection can be made to the new version's address; that says nothing about it.",
        )
        return
    if (age := now - trial.journeys_at) > rollout.fresh_seconds:
        yield Reason(
            "journeys_stale",
            f"The latest run of journeys is {age:.0f} s old; it may be "
            f"{rollout.fresh_seconds:.0f} s old.",
            {"age_seconds": age},
        )
    tried = {name: each for name, each in trial.passes.items() if name not in trial.broken}
    if not tried:
        yield from _broken(trial)
    for name, passes in tried.items():
        if passes < rollout.passes_min:
            yield Reason(
                "journey_passes_missing",
                f"The journey {name} has passed {passes} runs in a row; {rollout.passes_min} are "
                "needed.",
                {"journey": name, "passes": passes, "passes_min": rollout.passes_min},
            )


def _missing_counts(
    trial: Trial, rollout: RolloutSettings, vouching: Mapping[str, str], now: float
) -> Iterator[Reason]:
    """Yield the classes of requests that neither counts nor a journey speak for.

    Before the first share nothing can be counted, and journeys alone speak for that share: what
    has to be there are readings, which say that it has no share yet.
    """
    walked = {
        route for name, route in vouching.items() if trial.passes.get(name, 0) >= rollout.passes_min
    }
    harmless = trial.counts.harmless
    is_fresh = trial.counts_at is not None and now - trial.counts_at <= rollout.fresh_seconds
    if is_fresh and trial.is_before_users:
        return
    for route in trial.terms.routes:
        if route in walked:
            continue
        if route not in harmless:
            yield Reason(
                "route_unproven",
                f"{route}: there are too few counts to say that the new version fails by less "
                f"than {trial.terms.harmless_margin:.2%} more of its requests, and no journey "
                "vouches for it.",
                {"route": route},
            )
        elif not is_fresh:
            yield Reason(
                "counts_stale",
                f"{route}: the latest counts are more than {rollout.fresh_seconds:.0f} s old.",
                {"route": route},
            )


def _speaking_against(trial: Trial) -> Iterator[Reason]:
    """Yield what speaks against the version without having decided yet."""
    yield from (each for each in trial.speaking() if each.code == "journey_fails")
    for name in sorted(suspected(trial.counts.strata, trial.terms.threshold)):
        yield Reason(
            "suspected",
            f"{name}: so much speaks against the new version there that it has to clear up first.",
            {"route": name},
        )


def _untried(trial: Trial) -> Iterator[Reason]:
    """Yield what has not been tried: journeys that cannot tell, and users."""
    if trial.terms.routes and trial.is_before_users:
        yield Reason("no_users_yet", "No request of a user to the new version was counted yet.")
    yield from _broken(trial)


def _broken(trial: Trial) -> Iterator[Reason]:
    for name, text in trial.broken.items():
        yield Reason(
            "journey_broken",
            f"The journey {name} fails at the stable version as well, so it says nothing: {text}",
            {"journey": name},
        )
