"""Rules about `[flags]`."""

import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.kernel.settings import dotted

_FLAG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def flag_names_are_plain(configuration: Configuration) -> Iterator[Finding]:
    """Object to flag names that other tools could not carry."""
    for name in configuration.snapshot_settings.flags:
        if not _FLAG_NAME.fullmatch(name):
            yield Finding(
                ("flags", name),
                "flag_name",
                f"`{dotted(('flags', name))}` is no name for a flag.",
                "Use up to 100 letters, digits, `_`, `-` and `.`, a letter or digit first.",
            )
