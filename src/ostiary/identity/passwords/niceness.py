"""Letting the threads that hash stand back behind those that answer."""

import os
import sys
import threading
from contextlib import suppress

_NICENESS = 5
"""How far hashes stand back. Much further, and on a machine that others keep busy a hash thread
that happens to hold the interpreter's lock would wait for the processor, and all others for it."""


def stand_back() -> None:
    """Lower this thread's claim on the processor; elsewhere than on Linux it stays as it is."""
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            own = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, own + _NICENESS)
