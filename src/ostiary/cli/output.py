"""What commands print: one JSON object with `--json`, or text for people.

Results go to standard output, progress and problems to standard error.
"""

import io
import json
import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ostiary.kernel.errors import OstiaryError

if TYPE_CHECKING:
    from rich.console import Console

Result = dict[str, Any]


class Output:
    """Prints the one result of a command, and its progress."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @cached_property
    def console(self) -> "Console":
        """Where results for people go. Made when it is needed: JSON does not wait for it.

        What the terminal's encoding does not have becomes a question mark.
        """
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        from rich.console import Console  # noqa: PLC0415

        return Console(highlight=False, soft_wrap=True)

    @cached_property
    def progress(self) -> "Console":
        """Where progress and problems go; made when it is needed."""
        from rich.console import Console  # noqa: PLC0415

        return Console(stderr=True, highlight=False)

    def result(self, value: Result, show: "Callable[[Console, Result], None]") -> None:
        """Print a result: as one JSON object, or by `show` for people."""
        if self.as_json:
            sys.stdout.write(_json(value) + "\n")
            sys.stdout.flush()
        else:
            show(self.console, value)

    def note(self, text: str) -> None:
        """Print one line of progress."""
        self.progress.print(text, markup=False)

    def problem(self, error: OstiaryError) -> None:
        """Print an expected problem: on standard error, and as the JSON result with `--json`."""
        if self.as_json:
            value = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
            sys.stdout.write(_json(value) + "\n")
        from rich.text import Text  # noqa: PLC0415

        line = Text("error: ", style="bold red")
        line.append(error.message, style="default")
        self.progress.print(line)
        if error.hint:
            self.progress.print(f"       {error.hint}", markup=False)


def _json(value: Result) -> str:
    """Return JSON as it can be written: escaped where standard output is not UTF-8."""
    return json.dumps(value, ensure_ascii=(sys.stdout.encoding or "").lower() != "utf-8")
