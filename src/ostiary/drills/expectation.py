"""Whether a drill went as it must: unguarded as the outage did, guarded without harm.

An injected fault harms guarded too, as far as its scenario says, and must leave nothing behind.
"""

from typing import Final

from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.scenarios.model import Harm
from ostiary.drills.scoring import Score

SHARE_TOLERANCE: Final = 0.10
"""How far the affected share may be from that of the outage that is replayed."""

_STOPPED: Final = frozenset({"refused", "rolled_back"})


def affected_share(result: Score, order: DrillOrder) -> float:
    """Return the share that the scenario counts, between 0 and 1."""
    if order.scenario.content.expected.counted == "visits":
        return result.visits_share
    return result.users_share


def unmet(result: Score, order: DrillOrder) -> list[str]:
    """Return what did not go as it must; nothing where all did. A void run meets nothing."""
    if result.void:
        return [f"void: {reason}" for reason in result.void_reasons]
    if order.injects:
        return [*_share_affected(result, order), *_not_restored(result), *_harm(result, order)]
    if order.mode is Mode.UNGUARDED:
        return _share_affected(result, order)
    return [*_wrong_end(result, order), *_harm(result, order)]


def _share_affected(result: Score, order: DrillOrder) -> list[str]:
    share, expected = affected_share(result, order), order.scenario.content.expected
    if order.mode is Mode.UNGUARDED:
        if abs(share - expected.affected) <= SHARE_TOLERANCE:
            return []
        return [f"{share:.0%} affected, not {expected.affected:.0%} give or take 10 points"]
    if share <= expected.affected_guarded:
        return []
    return [f"{share:.0%} affected, not {expected.affected_guarded:.0%} at most"]


def _not_restored(result: Score) -> list[str]:
    """Return whether what the fault did has outlasted it; one that did nothing left nothing."""
    if result.restored_after_s is not None or result.influenced_at is None:
        return []
    return ["it was not well again after the fault was removed"]


def _wrong_end(result: Score, order: DrillOrder) -> list[str]:
    facts, expected = result.facts, order.scenario.content.expected
    if facts.verdict not in _STOPPED:
        return [f"it was not stopped: {facts.verdict or 'no verdict'}"]
    if order.from_stage is None and facts.stage != expected.refused_at:
        return [f"it ended in stage {facts.stage}, not {expected.refused_at}"]
    return []


def _harm(result: Score, order: DrillOrder) -> list[str]:
    counts: dict[Harm, tuple[int, str]] = {
        "affected_user": (result.users_affected, "users were affected"),
        "wrong_yes": (result.wrong_yes, "actions were granted wrongly"),
    }
    never = order.scenario.content.expected.never
    if order.injects:
        # Users may be affected by what nobody can take back; by how many, their share tells.
        never = [harm for harm in never if harm != "affected_user"]
    return [f"{counts[harm][0]} {counts[harm][1]}" for harm in never if counts[harm][0]]
