"""What follows a fault that is removed: the guard puts right what nobody else does."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ostiary.drills.injection import running
from ostiary.drills.injection.place import InjectionPlace
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.processes import send_signal

RESTORED_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.1


@contextmanager
def brought_back(place: InjectionPlace, all_run: Callable[[], bool]) -> Iterator[None]:
    """Let a guard that stands still go on when the block ends, and wait until `all_run`.

    Raises `OstiaryError` where what is missing is not started within a minute.
    """
    guard = running.guard(place.system.data)
    try:
        yield
    finally:
        if guard is not None:
            send_signal(guard, signal.SIGCONT)
    wait_until_restored(all_run, place.clock, "not as many processes run as before")


@contextmanager
def replicas_brought_back(place: InjectionPlace) -> Iterator[None]:
    """Do so until as many replicas run as before; raises as `brought_back` does."""
    data = place.system.data
    before = len(running.replicas(data))
    with brought_back(place, lambda: len(running.replicas(data)) >= before):
        yield


def wait_until_restored(met: Callable[[], bool], clock: Clock, otherwise: str) -> None:
    """Return once something holds again.

    Raises `OstiaryError` where it does not within a minute; `otherwise` is told then, as in
    "no guard answers".
    """
    deadline = clock.monotonic() + RESTORED_SECONDS_MAX
    while not met():
        if clock.monotonic() > deadline:
            raise OstiaryError(
                "drill_not_restored",
                f"{RESTORED_SECONDS_MAX:g} s after the fault was removed {otherwise}.",
                hint="The log of the guard says what it was doing.",
            )
        time.sleep(_POLL_SECONDS)
