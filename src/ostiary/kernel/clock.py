"""Time as an injected dependency.

Only this module reads the machine's clock. Everything else receives a `Clock`, so that tests and
simulations decide what time it is.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Return the wall-clock time, always in UTC and timezone-aware. It may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards; only differences have a meaning."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


def to_unix(moment: datetime) -> int:
    """Return whole Unix seconds, as JWT's NumericDate wants them (RFC 7519, section 2)."""
    return int(moment.timestamp())


def to_unix_ms(moment: datetime) -> int:
    """Return whole milliseconds since the Unix epoch, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_rfc3339(moment: datetime) -> str:
    """Return RFC 3339 text in UTC with milliseconds, for example `2026-01-31T08:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
