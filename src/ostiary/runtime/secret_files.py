"""Files that hold one secret each: made once, never replaced by accident."""

import os
from contextlib import suppress
from pathlib import Path

from ostiary.kernel.files import write_atomically
from ostiary.kernel.ids import Random


def create_secret(file: Path, rng: Random, *, content: str | None = None) -> None:
    """Write a new secret where none stands; one that stands is never replaced.

    It is `content`, or else 32 random bytes as text.
    """
    if file.exists():
        return
    fresh = file.with_name(f".{file.name}.{rng.hex(4)}")
    write_atomically(fresh, (content or rng.token()).encode(), mode=0o600)
    try:
        # Unlike a rename, a link fails where somebody was faster.
        with suppress(FileExistsError):
            os.link(fresh, file)
    finally:
        fresh.unlink()
