"""Which refusals are remembered: those that say something about the snapshot itself.

A candidate that died, a guard that was restarted, an operator's order or a machine too busy to
start a replica say nothing about the same snapshot tomorrow. What the check refuses is checked
again, in less time than it takes to remember.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ostiary.changes.model import Stage, Verdict

_LASTING = frozenset({"journey_failed", "replay_failed", "harm", "journeys_failed"})
_BAD_ENDS = (Verdict.REFUSED, Verdict.ROLLED_BACK)


def lasting(result: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return the reasons of a change's result that would stop the same snapshot again."""
    if result.get("verdict") not in _BAD_ENDS or result.get("stage") == Stage.CHECK:
        return ()
    reasons: Iterable[Mapping[str, Any]] = result.get("reasons") or ()
    return tuple(reason for reason in reasons if reason.get("code") in _LASTING)
