"""A small disk for the store of a drill, which can be filled without filling the machine's own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ostiary.drills.injection.effect import not_injectable

_SIZE: Final = "size=64m,mode=0700"
_SECONDS_MAX: Final = 10


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """Mount a file system in memory on a new directory; let it go when the block ends.

    Raises `FaultNotInjectableError` where this user may not mount one here.
    """
    place.mkdir(mode=0o700)
    owner = f"uid={os.getuid()},gid={os.getgid()}"
    mounted = _as_root("mount", "-t", "tmpfs", "-o", f"{_SIZE},{owner}", "none", str(place))
    if mounted is not None:
        raise not_injectable(
            f"No small disk can be mounted here: {mounted}",
            hint="Run the drill as root, or where `sudo -n mount` is allowed; not in a container "
            "without the right to mount.",
        )
    try:
        yield place
    finally:
        # Lazily: a replica that does not end must not keep the drill from ending.
        _as_root("umount", "--lazy", str(place))


def _as_root(*command: str) -> str | None:
    """Run a command; return what it said where it failed."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        ended = subprocess.run(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_MAX,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    return None if ended.returncode == 0 else ended.stderr.strip() or f"exit {ended.returncode}"
