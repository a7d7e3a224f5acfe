"""The last lines of a log, fit to be shown to people."""

from collections.abc import Iterable
from pathlib import Path

from ostiary.runtime.redaction import redact, redact_random

_TAIL_BYTES_MAX = 64 * 1024
_SEARCHED_BYTES_MAX = 2 * 1024 * 1024
_LINE_CHARACTERS_MAX = 500
_BEGINNING_CHARACTERS = 120
_CUT = " … "


def log_tail(path: Path, lines: int, *, secrets: Iterable[str], about: str = "") -> list[str]:
    """Return up to `lines` last lines of a log, without the secrets and control characters.

    With `about`, such as a request's id, only lines that hold it: those of the last 2 MiB, cut in
    their middle so that the last words of a traceback remain, and without whatever looks random:
    they may tell what somebody has sent. A log that does not exist is empty.
    """
    found = _last_lines(path, _SEARCHED_BYTES_MAX if about else _TAIL_BYTES_MAX)
    wanted = [line for line in found if line.strip() and about in line]
    shown = wanted[-lines:] if lines > 0 else []
    known = set(secrets)
    if about:
        return [_cut(_printable(redact_random(redact(line, known), about))) for line in shown]
    return [_printable(redact(line, known))[:_LINE_CHARACTERS_MAX] for line in shown]


def _last_lines(path: Path, bytes_max: int) -> list[str]:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - bytes_max, 0))
            content = stream.read(bytes_max)
    except OSError:
        return []
    found = content.decode(errors="replace").splitlines()
    # Of a part of the log, the first line begins somewhere in its middle.
    return found[1:] if size > bytes_max else found


def _cut(line: str) -> str:
    """Return a line of bounded length with its beginning and its end."""
    if len(line) <= _LINE_CHARACTERS_MAX:
        return line
    end = _LINE_CHARACTERS_MAX - _BEGINNING_CHARACTERS - len(_CUT)
    return f"{line[:_BEGINNING_CHARACTERS]}{_CUT}{line[-end:]}"


def _printable(line: str) -> str:
    """Return a line that cannot steer the terminal on which it is shown."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
