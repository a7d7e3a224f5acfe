"""The differing lines of two releases, as a unified diff."""

import difflib
from collections.abc import Iterator
from pathlib import Path

_BYTES_MAX = 512 * 1024


def patch(before: Path, after: Path, names: list[str], *, lines_max: int) -> tuple[str, bool]:
    """Return the unified diff of the files named, and whether it was cut at `lines_max`.

    Either directory may lack a file. What is no text, or too large to be read by anybody, is named
    and not shown.
    """
    lines: list[str] = []
    for name in names:
        for line in _of_file(before / name, after / name, name):
            if len(lines) >= lines_max:
                return "\n".join(lines), True
            lines.append(line)
    return "\n".join(lines), False


def _of_file(before: Path, after: Path, name: str) -> Iterator[str]:
    old, new = _lines(before), _lines(after)
    if old is None or new is None:
        yield f"--- {name}: not text, or larger than {_BYTES_MAX} bytes; not shown"
        return
    yield from difflib.unified_diff(
        old,
        new,
        f"last good/{name}" if before.exists() else "/dev/null",
        f"proposed/{name}" if after.exists() else "/dev/null",
        lineterm="",
    )


def _lines(path: Path) -> list[str] | None:
    """Return the lines of a text file; none where it is missing, None where it is no text."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    if len(content) > _BYTES_MAX or b"\0" in content:
        return None
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError:
        return None
