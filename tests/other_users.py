"""Acting as another user of this machine, for what the kernel says about who connects."""

import os
import subprocess
from pathlib import Path


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def give_to(uid: int, path: Path) -> None:
    """Let a file or directory belong to another user."""
    subprocess.run([*_as_root(), "chown", f"{uid}:{uid}", str(path)], check=True)


def as_user(uid: int) -> list[str]:
    """Return what to write before a command so that it runs with this user id.

    The capability to read anything is kept: Python itself may be installed where only the user
    who runs the tests can read. Connecting to a socket takes the right to write, which is not.
    """
    read_anything = "+dac_read_search"
    return [
        *_as_root(),
        "setpriv",
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        f"--inh-caps={read_anything}",
        f"--ambient-caps={read_anything}",
        "--",
    ]
