"""When an outage began for its users, and when it was over, as their ledger tells it.

All times are Unix seconds.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from ostiary.drills.ledger import Entry, Ledger

RESTORED_WINDOW_SECONDS: Final = 10.0
"""The service is restored at the start of the first window of this length at its old success."""

_WINDOW_RATE_MIN: Final = 0.5
"""Share of the stated sign-ins that a window must hold: an idle window proves nothing."""


def first_influence(
    entries: Sequence[Entry], fault_at: float | None, first_hidden_at: float | None
) -> float | None:
    """Return t0, the time of the first answer that the fault influenced; None where none was.

    That is the first bad answer a user got once the fault was loose, or the first bad attempt
    that was hidden from them, whichever came first.
    """
    if fault_at is None:
        return None
    times = [entry.ended for entry in entries if not entry.ok and entry.ended >= fault_at]
    if first_hidden_at is not None:
        times.append(first_hidden_at)
    return min(times, default=None)


def restored_at(ledger: Ledger, t0: float | None, fault_at: float | None) -> float | None:
    """Return the start of the first 10 s from t0 on that are as good as before the fault.

    Counted by when users came, not by when they were answered. None where there was no such
    window before the traffic ended, or no fault.
    """
    if t0 is None or fault_at is None:
        return None
    wanted = sorted(
        (entry for entry in ledger.entries if entry.grantable), key=lambda entry: entry.intended
    )
    before = [entry.ok for entry in wanted if entry.intended < fault_at]
    baseline = sum(before) / len(before) if before else 1.0
    after = [entry for entry in wanted if entry.intended >= t0]
    times = [entry.intended for entry in after]
    good_until = [0, *accumulate(int(entry.ok) for entry in after)]
    actions_min = _WINDOW_RATE_MIN * ledger.run.rate * RESTORED_WINDOW_SECONDS
    for start in [t0, *times]:
        end = start + RESTORED_WINDOW_SECONDS
        if not times or end > times[-1]:
            return None
        first, behind = bisect_left(times, start), bisect_left(times, end)
        count, good = behind - first, good_until[behind] - good_until[first]
        if count >= actions_min and good / count >= baseline:
            return start
    return None
