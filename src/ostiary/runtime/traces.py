"""Traces of bugs, kept for a report."""

import os
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

from ostiary import __version__
from ostiary.runtime.redaction import redact


def write_trace(data: Path, error: BaseException) -> Path | None:
    """Write the trace of a bug into a data directory's `traces/` and return its path.

    Passwords in URLs are taken out. Returns None where nothing can be written: a second problem
    must not hide the first. Nothing is made outside an existing data directory.
    """
    text = "".join(traceback.format_exception(error))
    with suppress(OSError):
        if (data / "layout.json").is_file():
            directory = data / "traces"
            directory.mkdir(mode=0o700, exist_ok=True)
            prefix = f"trace-{type(error).__name__}-"
            descriptor, path = tempfile.mkstemp(dir=directory, prefix=prefix, suffix=".txt")
            with os.fdopen(descriptor, "w") as stream:
                stream.write(f"Ostiary {__version__}\n{redact(text)}")
            return Path(path)
    return None
