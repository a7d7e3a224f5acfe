"""Releases that can have a fault and have none yet: a wrong clock, memory that is never given back.

A file in the drill's directory switches the fault on, so that it begins while users are there.
Nothing in the service itself knows of these files; only the edited copy of it does.
"""

import json
from pathlib import Path
from typing import Any, Final

from ostiary.drills.faults import Edit
from ostiary.drills.scenarios.process_kinds import ClockSkew, MemoryLeak

_CLOCK_FILE: Final = "ostiary/kernel/clock.py"
_REQUEST_FILE: Final = "ostiary/identity/http/middleware.py"

_WRONG_CLOCK: Final = '''
def _error() -> timedelta:
    """Return how far the clock of this process is ahead, as a drill has written it down."""
    path = pathlib.Path({directory}, f"{{os.getpid()}}.clock")
    try:
        error = timedelta(seconds=int(path.read_text()))
    except (OSError, ValueError):
        return timedelta()
    path.with_suffix(".seen").touch()
    return error
'''

_LEAK: Final = '''
_KEPT: list[bytes] = []


def _keep() -> None:
    """Keep something of a request for ever; where memory has run out, the kernel kills."""
    if pathlib.Path({switch}).exists():
        _KEPT.append(b"\\x01" * {size})
        if len(_KEPT) > {count}:
            os.kill(os.getpid(), signal.SIGKILL)
'''


def clock_file(directory: Path, pid: int | None) -> Path:
    """Return the file with the seconds by which the clock of a process is ahead."""
    return directory / f"{pid}.clock"


def clock_seen_file(directory: Path, pid: int | None) -> Path:
    """Return the file that a process makes when it has looked at its wrong clock."""
    return directory / f"{pid}.seen"


def leak_file(directory: Path) -> Path:
    """Return the file that switches the leak on."""
    return directory / "leak"


def wrong_clock(_fault: ClockSkew, directory: Path) -> list[Edit]:
    """Return what makes the clocks of a release as wrong as files in `directory` say."""
    text = _WRONG_CLOCK.format(directory=json.dumps(str(directory)))
    return [
        Edit(
            file=_CLOCK_FILE,
            old="import time\nfrom datetime",
            new="import os\nimport pathlib\nimport time\nfrom datetime",
        ),
        Edit(
            file=_CLOCK_FILE,
            old="\n\nclass Clock(Protocol):\n",
            new=f"\n{text}\n\nclass Clock(Protocol):\n",
        ),
        Edit(
            file=_CLOCK_FILE,
            old="        return datetime.now(UTC)\n",
            new="        return datetime.now(UTC) + _error()\n",
        ),
    ]


def leaking(fault: MemoryLeak, directory: Path) -> list[Edit]:
    """Return what makes a release keep something of every request, once that is switched on."""
    size = fault.kib_per_request * 1024
    text = _LEAK.format(
        switch=json.dumps(str(leak_file(directory))), size=size, count=fault.mib_max * 2**20 // size
    )
    return [
        Edit(
            file=_REQUEST_FILE,
            old="\nimport falcon\nimport structlog\n",
            new="\nimport os\nimport pathlib\nimport signal\n\nimport falcon\nimport structlog\n",
        ),
        Edit(
            file=_REQUEST_FILE,
            old="\n\nclass OutcomeMiddleware:\n",
            new=f"\n{text}\n\nclass OutcomeMiddleware:\n",
        ),
        Edit(
            file=_REQUEST_FILE,
            old='        """Attach the context before anything else sees the request."""\n',
            new='        """Attach the context before anything else sees the request."""\n'
            "        _keep()\n",
        ),
    ]


def less_memory(fault: MemoryLeak) -> dict[str, dict[str, Any]]:
    """Return settings by which a replica may keep so little that no machine is filled."""
    return {"identity": {"memory_max_mib": fault.memory_max_mib}}
