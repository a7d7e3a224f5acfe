"""On which terms a change was proposed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.changes.kinds import FLAGS_ALONE, Kind
from ostiary.changes.model import Stage
from ostiary.kernel.errors import UsageError

_START_STAGES = ("check", "rehearse", "canary", "bake")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a change touches, where it starts, and why it is forced; None where it is not."""

    kinds: tuple[Kind, ...] = ()
    from_stage: Stage = Stage.CHECK
    force_reason: str | None = None


def terms_of(body: Mapping[str, Any], kinds: tuple[Kind, ...]) -> Terms:
    """Return the terms of a proposal that touches `kinds`. Raises `UsageError`.

    A forced flip begins at bake unless it names a stage: nothing but availability could end it
    before, and the old replicas stay warm and give second opinions there as well.
    """
    reason, stage = force_reason(body), start_stage(body)
    if reason is not None and kinds == FLAGS_ALONE and not body.get("from_stage"):
        stage = Stage.BAKE
    return Terms(kinds, stage, reason)


def start_stage(body: Mapping[str, Any]) -> Stage:
    """Return the stage that a proposal starts at. Raises `UsageError` for any other word."""
    word = str(body.get("from_stage") or "check")
    if word not in _START_STAGES:
        raise UsageError(
            "stage_unknown",
            f"No change can start at stage {word}.",
            hint=f"Write one of {', '.join(_START_STAGES[1:])}.",
        )
    return Stage(word)


def force_reason(body: Mapping[str, Any]) -> str | None:
    """Return why a proposal is forced, None where it is not. Raises `UsageError` without a why."""
    if not body.get("force"):
        return None
    reason = str(body.get("reason") or "").strip()
    if not reason:
        raise UsageError("reason_missing", "A forced change needs a reason.")
    return reason
