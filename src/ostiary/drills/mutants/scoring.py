"""What a mutation trial says in all: how many were stopped where, and what got through."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ostiary.drills.mutants.model import End, Trial


def score_to_json(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the score as a JSON object: totals by end, users affected, and every escape.

    `unnoticed_by_clients` counts the escapes in which no request was answered in another way; only
    a test of identity's saw these.
    """
    ends = Counter(trial.end for trial in trials)
    escapes = [trial for trial in trials if trial.end is End.ESCAPED]
    return {
        "mutants": len(trials),
        "ends": {end.value: ends[end] for end in End},
        "users_affected": sum(trial.passage.users for trial in trials),
        "unnoticed_by_clients": sum(not trial.passage.seen for trial in escapes),
        "escapes": [_escape(trial) for trial in escapes],
        "trials": [_row(trial) for trial in trials],
    }


def meets_expectation(trials: Sequence[Trial]) -> bool:
    """Return whether nobody was affected and nothing that a client can see got through."""
    return all(not (trial.end is End.ESCAPED and trial.passage.seen) for trial in trials) and not (
        any(trial.passage.users for trial in trials)
    )


def _escape(trial: Trial) -> dict[str, Any]:
    return {
        **_row(trial),
        "diff": trial.mutant.diff,
        "seen": list(trial.passage.seen),
        "tests": list(trial.tests or ()),
    }


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "mutant": trial.mutant.number,
        "file": trial.mutant.path,
        "line": trial.mutant.line,
        "end": trial.end.value,
        "reasons": list(trial.passage.reasons),
        "users_affected": trial.passage.users,
        "harmed": list(trial.passage.harmed),
    }
