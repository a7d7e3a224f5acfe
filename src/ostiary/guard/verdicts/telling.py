"""How a verdict is told to callers, its reasons and the numbers behind it; and what they name."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

from ostiary.changes.verdict_settings import RolloutSettings
from ostiary.changes.verdicts import Judgement, Trial
from ostiary.kernel.errors import UsageError
from ostiary.watch.own_journeys.settings import JourneySettings

Answer = dict[str, Any]

REVISION_CHARACTERS_MAX = 200
_LARGEST_LOG = 700.0
"""Beyond it there is no floating-point number."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout of the settings: its name, its table, and the journeys that it names."""

    name: str
    settings: RolloutSettings
    journeys: Mapping[str, JourneySettings]

    @property
    def vouching(self) -> dict[str, str]:
        """Return the class of requests that each journey vouches for, where it does."""
        return {name: each.vouches_for for name, each in self.journeys.items() if each.vouches_for}


def revision_of(value: object) -> str:
    """Return the revision that a request names; raises `UsageError` where it names none."""
    text = value if isinstance(value, str) else ""
    if text.strip() and text.isprintable() and len(text) <= REVISION_CHARACTERS_MAX:
        return text
    raise UsageError(
        "revision_missing",
        "A verdict is about one revision, and the request names none that can be used.",
        hint=f"Name it by a text of up to {REVISION_CHARACTERS_MAX} characters, such as the hash "
        "of the pod template.",
    )


def told(
    rollout: Rollout, revision: str | None, trial: Trial | None, judgement: Judgement
) -> Answer:
    """Return a verdict as callers get it; `evidence` is None where there is no trial."""
    return {
        "rollout": rollout.name,
        "revision": revision,
        "verdict": judgement.verdict.value,
        "reasons": reasons_told(judgement),
        "evidence": None if trial is None else _evidence(rollout, trial),
    }


def reasons_told(judgement: Judgement) -> list[Answer]:
    """Return the reasons of a verdict as JSON objects."""
    return [
        {"code": each.code, "text": each.text, "numbers": dict(each.numbers)}
        for each in judgement.reasons
    ]


def _evidence(rollout: Rollout, trial: Trial) -> Answer:
    return {
        "alpha": trial.terms.alpha,
        "e_value": exp(min(trial.log_e, _LARGEST_LOG)),
        "stops_at": 1.0 / trial.terms.alpha,
        "journey_runs": trial.canary.requests,
        "failed_at_canary_only": trial.canary.events,
        "failed_at_stable_only": trial.stable.events,
        "passes": dict(trial.passes),
        "passes_min": rollout.settings.passes_min,
        "routes": {
            route: {
                "harmless": route in trial.counts.harmless,
                "canary": _counts(trial, route, canary=True),
                "stable": _counts(trial, route, canary=False),
            }
            for route in trial.terms.routes
        },
        "ended": trial.ended,
    }


def _counts(trial: Trial, route: str, *, canary: bool) -> Answer:
    found = trial.counts.strata.get(route)
    if found is None:
        return {"requests": 0, "faults": 0, "refusals": 0}
    counts = found.canary + found.open_canary if canary else found.control + found.open_control
    return {
        "requests": counts.requests,
        "faults": counts.faults,
        "refusals": counts.refusals,
    }
