"""The keeper: starts the guard and starts it again when it dies.

It does nothing else, so that there is little in it that could fail. It ends when the guard ends
in an orderly way, or refuses its very first start. Once a guard has run, one that refuses (for a
settings file that somebody is just editing, say) is tried again.
"""

import os
import subprocess
import sys
import time
from io import BufferedWriter
from pathlib import Path

from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import ExitCode

_REFUSALS = {ExitCode.USAGE, ExitCode.REFUSED}
_PAUSE_SECONDS_MIN = 0.2
_PAUSE_SECONDS_MAX = 10.0
_STEADY_SECONDS = 30.0


def keep(arguments: list[str], log: Path, clock: Clock) -> int:
    """Run `ostiary` with `arguments` until it ends for good; return its code."""
    pause, is_first = _PAUSE_SECONDS_MIN, True
    while True:
        started = clock.monotonic()
        with _opened(log) as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ostiary.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            code = process.wait()
        if code == ExitCode.DONE or (is_first and code in _REFUSALS):
            return code
        is_first = False
        # A guard that ran well for a while and then died is started again at once.
        if clock.monotonic() - started > _STEADY_SECONDS:
            pause = _PAUSE_SECONDS_MIN
        time.sleep(pause)
        pause = min(pause * 2, _PAUSE_SECONDS_MAX)


def _opened(log: Path) -> BufferedWriter:
    """Open the guard's log; where that cannot be, its words are lost, but not the guard."""
    try:
        return log.open("ab")
    except OSError:
        return Path(os.devnull).open("ab")
