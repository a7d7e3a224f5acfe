"""`ostiary up --example`: the orders API of the examples, from a copy of the operator's own."""

import shutil
from pathlib import Path

from ostiary.drills.example import example_place
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.unusable import not_usable

_NAME = "orders"
_SETTINGS = "ostiary.toml"
_COPY = "example"


def example_settings(data: Path, config: Path | None) -> Path:
    """Return the settings file of the example in a data directory, copied there the first time.

    So its code can be edited and proposed, and an installation that goes takes nothing away. Raises
    `UsageError` where another settings file is named as well, where the directory cannot be used,
    or where the example is not installed.
    """
    if config is not None:
        raise UsageError(
            "two_settings_files",
            "--example brings a settings file of its own.",
            hint="Leave --config out, or copy the service into your settings file.",
        )
    DataDirectory(data).prepare(SystemRandom())
    copy = data / _COPY
    if not (copy / _SETTINGS).is_file():
        # Under another name first: a copy that was broken off must not be taken for a whole one.
        unfinished = data / f".{_COPY}.unfinished"
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(
                example_place(_NAME), unfinished, ignore=shutil.ignore_patterns("__pycache__")
            )
            unfinished.rename(copy)
        except OSError as error:
            raise not_usable(copy, error) from error
    return copy / _SETTINGS
