"""The last lines of a log, fit to be shown to people."""

from collections.abc import Iterable
from pathlib import Path

from ostiary.runtime.redaction import redact

_READ_BYTES_MAX = 64 * 1024
_LINE_CHARACTERS_MAX = 500


def log_tail(path: Path, lines: int, *, secrets: Iterable[str]) -> list[str]:
    """Return up to `lines` last lines of a log, without the secrets and control characters.

    A log that does not exist is empty.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - _READ_BYTES_MAX, 0))
            content = stream.read(_READ_BYTES_MAX)
    except OSError:
        return []
    found = content.decode(errors="replace").splitlines()
    if size > _READ_BYTES_MAX:
        # The first line begins somewhere in its middle.
        found = found[1:]
    shown = [line for line in found if line.strip()][-lines:] if lines > 0 else []
    known = set(secrets)
    return [_printable(redact(line, known))[:_LINE_CHARACTERS_MAX] for line in shown]


def _printable(line: str) -> str:
    """Return a line that cannot steer the terminal on which it is shown."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
