"""How a change is told to operators: the record of the journal, with what is live added to it."""

from typing import Any

from ostiary.changes.records import result_to_json
from ostiary.changes.state import ChangeState
from ostiary.guard.history import ChangeRecord
from ostiary.guard.windows import WindowReader

_LEADING = 3


def report_change(
    record: ChangeRecord,
    state: ChangeState | None,
    windows: WindowReader | None,
    *,
    expected_seconds: float,
) -> dict[str, Any]:
    """Return a change as JSON; `state` and `windows` are given while it is the latest one.

    `live` holds evidence and counts; it is null for a change that this guard has not run.
    """
    if record.result is not None:
        result = dict(record.result)
    elif state is not None:
        # Only a settled change has a verdict for others: until then its end may still go wrong.
        result = dict(result_to_json(state.result)) | {"verdict": None}
        if not state.exposed:
            # No user has met the canary: there is nothing to count yet.
            result |= {"users_affected": None, "failed_attempts_hidden": None}
    else:
        result = _unknown(record)
    return {
        **result,
        "from_snapshot": record.from_snapshot,
        "kinds": [kind.value for kind in record.kinds],
        "share": None if state is None or record.result is not None else state.share,
        "proposed_at": record.proposed_at,
        "settled_at": record.settled_at,
        "forced": bool(record.request.get("force")),
        "force_reason": record.request.get("reason"),
        "expected_seconds": expected_seconds,
        "live": None if state is None else _live(state, windows),
    }


def _unknown(record: ChangeRecord) -> dict[str, Any]:
    return {
        "change": record.id,
        "snapshot": record.snapshot,
        "stage": record.state.get("stage", "check"),
        "verdict": None,
        "reasons": [],
        "users_affected": None,
        "failed_attempts_hidden": None,
        "seconds": None,
    }


def _live(state: ChangeState, windows: WindowReader | None) -> dict[str, Any]:
    evidence = state.evidence
    return {
        "phase": state.phase.value,
        "log_e": evidence.peak_log_e if evidence.decided else evidence.log_e,
        "threshold": evidence.threshold,
        "leading": [part.text for part in evidence.leading(_LEADING)],
        "harmless": sorted(evidence.harmless),
        "journeys_passed": sorted(state.journeys.covered),
        "canary_requests": 0 if windows is None else windows.canary.requests,
        "canary_overturned": 0 if windows is None else windows.canary.overturned,
        "control_requests": 0 if windows is None else windows.control.requests,
        "control_overturned": 0 if windows is None else windows.control.overturned,
    }
