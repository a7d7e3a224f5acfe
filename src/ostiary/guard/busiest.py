"""The busiest minute on record: how many sign-ins a second all replicas together got in it.

What was asked for counts, also what was sent away. The highest minute of each of the last 28 days
is remembered. A new record is journalled at once, and the highest minute of a day when the day is
over; so a guard that starts anew knows nearly as much as the one before.
"""

import datetime as dt
from collections import deque
from collections.abc import Mapping
from typing import Any

BUSIEST_MINUTE = "busiest_minute"
"""Journal entry of a new record, or of a day that is over."""

_DAYS = 28
_MINUTE = 60.0
_GAP_MAX = 20.0
"""Seconds between two readings of one replica beyond which nobody knows when requests came."""

_MORE = 1.05
"""A record that is not higher by this much is not worth an entry."""

_DELAY = 70.0
"""Seconds until a minute is judged: whoever measures capacity says so afterwards."""


class BusiestMinute:
    """Adds up what the readings of replicas say, and keeps the highest minute of each day."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}
        self._arrived: deque[tuple[float, float]] = deque()
        self._began: float | None = None
        self._days: dict[dt.date, float] = {}
        self._journalled: dict[dt.date, float] = {}

    @property
    def sign_ins_per_second(self) -> float | None:
        """Return the rate in the busiest minute on record, None without a record."""
        return max(self._days.values(), default=None)

    def recall(self, data: Mapping[str, Any]) -> None:
        """Learn what an earlier guard has journalled."""
        day, rate = dt.date.fromisoformat(str(data["day"])), float(data["sign_ins_per_second"])
        self._days[day] = max(rate, self._days.get(day, 0.0))
        self._journalled[day] = self._days[day]

    def read(self, replica: str, at: float, count: float) -> None:
        """Take one reading of a replica's counter; `at` is in monotonic seconds.

        The first reading of a replica, one after a gap, and one of a counter that began anew tell
        no number of requests.
        """
        before = self._last.get(replica)
        self._last[replica] = (at, count)
        if self._began is None:
            self._began = at
        if before is not None and count >= before[1] and at - before[0] <= _GAP_MAX:
            self._arrived.append((at, count - before[1]))

    def leave_out(self, since: float) -> None:
        """Forget what came since then: it was somebody who measured."""
        kept = [(at, count) for at, count in self._arrived if at < since]
        self._arrived = deque(kept)
        # The minute around it is not whole any more.
        self._last.clear()
        self._began = None

    def judge(self, at: float, today: dt.date) -> list[dict[str, Any]]:
        """Look at the last whole minute that may be judged; return what is to be journalled."""
        until = at - _DELAY
        while self._arrived and self._arrived[0][0] <= until - _MINUTE:
            self._arrived.popleft()
        record = self.sign_ins_per_second or 0.0
        entries = [*self._over(today)]
        if self._began is None or self._began > until - _MINUTE:
            return entries
        rate = round(sum(count for when, count in self._arrived if when <= until) / _MINUTE, 2)
        if rate > 0:
            self._days[today] = max(rate, self._days.get(today, 0.0))
        if rate > record * _MORE:
            entries.append(self._entry(today))
        return entries

    def _over(self, today: dt.date) -> list[dict[str, Any]]:
        """Forget days that are too long ago; return the entries of those that are just over."""
        first = today - dt.timedelta(days=_DAYS)
        for days in (self._days, self._journalled):
            for day in [day for day in days if day < first]:
                del days[day]
        return [
            self._entry(day)
            for day, rate in list(self._days.items())
            if day < today and rate > self._journalled.get(day, 0.0)
        ]

    def _entry(self, day: dt.date) -> dict[str, Any]:
        self._journalled[day] = self._days[day]
        return {"day": day.isoformat(), "sign_ins_per_second": self._days[day]}
