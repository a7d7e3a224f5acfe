"""Rules about `[flags]`."""

import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.kernel.settings import dotted

BUILT_IN = ("sign_up_open", "sign_up_offered", "new_device_mail")
"""The flags that the login service itself reads; each is true unless it is set."""

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


def built_in_flags_are_true_or_false(configuration: Configuration) -> Iterator[Finding]:
    """Object to a value that the login service would not understand, and therefore not heed."""
    flags = configuration.snapshot_settings.flags
    for name in BUILT_IN:
        if name in flags and not isinstance(flags[name].default, bool):
            yield Finding(
                ("flags", name),
                "flag_not_true_or_false",
                f"`flags.{name}` is read by the login service itself, which needs true or false.",
                f"Write for example `{name} = false`, or give your own flag another name.",
            )


def flags_are_removed_in_time(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to a new or changed flag whose time is over.

    A flag that stays as it is served does not stop other changes, and one that is switched off
    does not either: a kill switch must work on any day.
    """
    today, last_good = surroundings.today, surroundings.last_good
    if today is None:
        return
    served = {} if last_good is None else last_good.flags
    for name, flag in configuration.snapshot_settings.flags.items():
        date = flag.remove_after
        if date is None or date >= today or flag.off or served.get(name) == flag:
            continue
        yield Finding(
            ("flags", name, "remove_after"),
            "flag_overdue",
            f"`{dotted(('flags', name))}` was to be removed after {date}.",
            "Remove the flag here and where code reads it, or write a later date.",
        )
