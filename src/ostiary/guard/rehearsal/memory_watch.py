"""The memory of canary replicas, watched as long as users may meet them.

A replica of last good that grows past its limit is replaced. In a canary the same is a reason to
roll back: the release leaks, or needs more than it is allowed.
"""

from collections.abc import Callable, Sequence

from ostiary.changes.model import Reason
from ostiary.guard.rehearsal.figures import too_large
from ostiary.runtime.ports import Replica

LARGE_IN_ROW_MAX = 10
"""A replica may need more for a moment; looks are counted, of which there are four a second."""


class MemoryWatch:
    """Counts in a row how often a replica was larger than it may be."""

    def __init__(
        self,
        memory_mib: Callable[[Replica], float],
        limit: Callable[[Replica], int],
        beside: Callable[[Replica], Sequence[Replica]],
    ) -> None:
        """`limit` says what a replica may keep, in MiB; `beside` are last good's of its service."""
        self._memory_mib = memory_mib
        self._limit = limit
        self._beside = beside
        self._in_row: dict[str, int] = {}

    def look(self, replicas: Sequence[Replica]) -> Reason | None:
        """Look once; return what is wrong when it has been so for long enough."""
        in_row, self._in_row = self._in_row, {}
        for each in replicas:
            beside = max(map(self._memory_mib, self._beside(each)), default=0.0)
            mib, limit = self._memory_mib(each), self._limit(each)
            reason = too_large(each.name, mib, beside, limit)
            if reason is not None:
                self._in_row[each.name] = in_row.get(each.name, 0) + 1
                if self._in_row[each.name] >= LARGE_IN_ROW_MAX:
                    return reason
        return None
