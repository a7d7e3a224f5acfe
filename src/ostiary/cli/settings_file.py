"""Reading a settings file on behalf of a person: by today's date, with a word on variables."""

import os
from pathlib import Path

from ostiary.changes.checks import load_for_start
from ostiary.changes.configuration import Configuration, SettingsFile
from ostiary.changes.environment import misleading_variables
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.cli.output import Output
from ostiary.kernel.clock import SystemClock


def load_today(path: Path | None, *, is_first: bool) -> Configuration:
    """Return the configuration for a guard that starts today, for the first time or again.

    Raises `UsageError` where there is no readable file, `SettingsError` with every problem.
    """
    today = Surroundings(today=SystemClock().now().date())
    return load_for_start(path, is_first=is_first, surroundings=today)


def note_variables(output: Output) -> None:
    """Point out variables that look like settings, so that nobody believes they were read."""
    for message in misleading_variables(os.environ, SettingsFile):
        output.note(f"warning: {message}")
