"""Time, as the verifier is given it: an application may be tested with a clock of its own."""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def unix(self) -> float:
        """Return seconds since 1970 in UTC; they are compared with a token's times."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards; the age of keys is counted in them."""
        ...


class SystemClock:
    """The machine's own clock.

    The functions stand here as they are: a method around them would be a noticeable part of what
    a token costs that was seen before.
    """

    unix = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
