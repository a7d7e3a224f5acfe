"""When a run proves nothing: what has to have happened for its score to say something."""

from collections.abc import Sequence
from typing import Final

from ostiary.drills.facts import DrillFacts
from ostiary.drills.ledger import Entry
from ostiary.kernel.errors import OstiaryError

ACHIEVED_RATE_MIN: Final = 0.9
"""A run with less of the stated traffic says nothing about the service."""

FAILING_BEFORE_MAX: Final = 0.01
"""Share of actions that may fail before the fault; with more, the service was not well anyway."""

_JOURNEY_CODES: Final = frozenset({"journey_failed", "journeys_failed"})
_LOAD_CODES: Final = frozenset({"replica_overloaded", "shares_not_as_intended"})


def void_reasons(
    entries: Sequence[Entry], facts: DrillFacts, achieved_rate: float
) -> tuple[str, ...]:
    """Return why a run does not count; nothing where it does."""
    if facts.failure is not None:
        return (f"it could not be run: {facts.failure}",)
    fault_at = facts.fault_at
    unseen = fault_at is not None and all(entry.started < fault_at for entry in entries)
    reasons = {
        "fault not injected": not facts.injected,
        f"traffic below {ACHIEVED_RATE_MIN:.0%} of its rate".replace("%", " %"): (
            achieved_rate < ACHIEVED_RATE_MIN
        ),
        "no traffic after the fault": unseen,
        "the service failed users before the fault": _failing_before(entries, fault_at)
        > FAILING_BEFORE_MAX,
        _missing_proof(facts): bool(_missing_proof(facts)),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def require_well(entries: Sequence[Entry]) -> None:
    """Raise `OstiaryError` where the service fails its users already, before the fault.

    Such a run is void however it ends, so nobody has to wait for its end.
    """
    failed, wanted = _failed_of(entries)
    if failed > FAILING_BEFORE_MAX * wanted:
        raise OstiaryError(
            "service_not_well",
            f"The service failed {failed} of {wanted} actions of its users before the fault: "
            "the machine may be too busy.",
        )


def _failing_before(entries: Sequence[Entry], fault_at: float | None) -> float:
    if fault_at is None:
        return 0.0
    failed, wanted = _failed_of([entry for entry in entries if entry.ended < fault_at])
    return failed / wanted if wanted else 0.0


def _failed_of(entries: Sequence[Entry]) -> tuple[int, int]:
    """Return how many actions failed of those that were to succeed, and how many these were."""
    wanted = [entry.ok for entry in entries if entry.grantable]
    return wanted.count(False), len(wanted)


def _missing_proof(facts: DrillFacts) -> str:
    """Return what a run from canary lacks to show that the change met something; else nothing."""
    if facts.mode != "guarded" or facts.from_stage != "canary" or not facts.injected:
        return ""
    codes = {code for code, _ in facts.reasons}
    if facts.proof == "journeys":
        return "" if codes & _JOURNEY_CODES else "no journey that failed on the canary"
    if facts.proof == "load":
        return "" if codes & _LOAD_CODES else "no replica that was found overloaded"
    return "" if facts.hidden else "no hidden failed attempts"
