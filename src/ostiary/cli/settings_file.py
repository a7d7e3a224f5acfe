"""Reading a settings file on behalf of a person: by today's date, with a word on variables."""

import os
from pathlib import Path

from ostiary.changes.checks import load_checked
from ostiary.changes.configuration import Configuration, SettingsFile
from ostiary.changes.environment import misleading_variables
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.cli.output import Output
from ostiary.kernel.clock import SystemClock


def load_today(path: Path | None) -> Configuration:
    """Return the configuration in a file that passes every rule today.

    Raises `UsageError` where there is no readable file, `SettingsError` with every problem.
    """
    return load_checked(path, Surroundings(today=SystemClock().now().date()))


def note_variables(output: Output) -> None:
    """Point out variables that look like settings, so that nobody believes they were read."""
    for message in misleading_variables(os.environ, SettingsFile):
        output.note(f"warning: {message}")
