"""Waiting until a fault is in effect: that it was injected is not assumed."""

import time
from collections.abc import Callable
from typing import Final

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.kernel.clock import Clock

_POLL_SECONDS: Final = 0.05


def not_injectable(missing: str, hint: str = "") -> FaultNotInjectableError:
    """Return the error of a fault for which something is missing here; `missing` is a sentence."""
    return FaultNotInjectableError("fault_not_injectable", missing, hint=hint)


def wait_until(met: Callable[[], bool], clock: Clock, seconds_max: float, what: str) -> None:
    """Return once something holds. Raises `FaultNotInjectableError` when that does not come.

    `what` is told then, as in "the database does not stop".
    """
    deadline = clock.monotonic() + seconds_max
    while not met():
        if clock.monotonic() > deadline:
            raise not_injectable(f"The fault has no effect: {what}.")
        time.sleep(_POLL_SECONDS)
