"""What stands beside the releases in their directory: copies under way, and altered ones."""

import os
import shutil
from pathlib import Path

STAGING = ".staging-"
"""Beginning of the name of a copy that is not complete yet."""

_ALTERED = ".altered-"


def remove_leftovers(directory: Path) -> None:
    """Remove the copies that a crash has left incomplete."""
    for path in directory.glob(f"{STAGING}*"):
        shutil.rmtree(path, ignore_errors=True)


def put_aside(final: Path) -> None:
    """Keep an altered copy for whoever wants to inspect it, in place of an earlier one."""
    if final.exists():
        altered = final.with_name(f"{_ALTERED}{final.name}")
        shutil.rmtree(altered, ignore_errors=True)
        os.replace(final, altered)
