"""Where log lines go: a full disk may cost lines, but never a request."""

import os
from contextlib import suppress


class LogOutput:
    """Writes each text at once to an open file; what the file does not take is lost."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        """Write a text and return its length, as files do."""
        with suppress(OSError):
            os.write(self._descriptor, text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""
