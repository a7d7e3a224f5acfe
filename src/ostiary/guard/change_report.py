"""How a change is told to operators: the record of the journal, with what is live added to it."""

from typing import Any

from ostiary.changes.records import result_to_json
from ostiary.changes.state import ChangeState, Phase
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.windows import WindowReader

_LEADING = 3


def report_change(
    record: ChangeRecord,
    state: ChangeState | None,
    windows: WindowReader | None,
    *,
    expected_seconds: float,
    approvers: list[str],
) -> dict[str, Any]:
    """Return a change as JSON; `state` and `windows` are given while it is the latest one.

    `approvers` are those who may approve it while it waits. `live` holds evidence and counts; it is
    null for a change that this guard has not run.
    """
    if record.result is not None:
        # Guards of before this was measured have not written it down.
        result = {"withdrawal": None, **record.result}
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
        **_proposal(record),
        "share": None if state is None or record.result is not None else state.share,
        "approval": _approval(record, state, approvers),
        "expected_seconds": expected_seconds,
        "live": None if state is None else _live(state, windows),
    }


def _proposal(record: ChangeRecord) -> dict[str, Any]:
    """Return what was proposed, by whom, and what people have said about it."""
    request = record.request
    return {
        "from_snapshot": record.from_snapshot,
        "kinds": [kind.value for kind in record.kinds],
        "proposed_at": record.proposed_at,
        "decided_at": record.decided_at,
        "settled_at": record.settled_at,
        "from_stage": record.from_stage,
        "reason": request.get("reason"),
        "forced": bool(request.get("force")),
        "security": bool(request.get("security")),
        "tightens": request.get("tightens") or [],
        "fixes": request.get("fixes"),
        "restores": request.get("restores"),
        "difference": record.difference,
        "proposed_by": record.proposed_by,
        "approved_by": record.approved_by,
        "orders": list(record.orders),
        "comments": list(record.comments),
    }


def _approval(
    record: ChangeRecord, state: ChangeState | None, approvers: list[str]
) -> dict[str, Any]:
    """Return whether the change needs approval and, while it waits, by whom and for how long."""
    required = bool((record.state.get("approval") or {}).get("required"))
    forced = bool(record.request.get("force"))
    open_still = required and not forced and record.result is None and not record.approved_by
    waiting = open_still and state is not None and state.phase is Phase.APPROVING
    left = None
    if state is not None and waiting and state.approval.since is not None:
        left = max(0.0, state.approval.expires_seconds - (state.seen - state.approval.since))
    return {
        "required": required,
        "skipped": required and forced,
        "waiting": waiting,
        "approvers": approvers if open_still else [],
        "seconds_left": left,
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
        "withdrawal": None,
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
