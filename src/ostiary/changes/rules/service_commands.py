"""Rules about how a service is run: its command, its variables, and what is on this machine."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from ostiary.changes.configuration import Configuration
from ostiary.changes.misplaced_secrets import looks_secret
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.services import key_of
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.service_settings import ServiceSettings
from ostiary.kernel.settings import dotted
from ostiary.kernel.toml_values import toml_text
from ostiary.runtime.redaction import passwords_in
from ostiary.runtime.service_process import OWN_PREFIX, PLACEHOLDERS, placeholders_in

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_PORT_OPTION = re.compile(r"--?(http[-_]?)?(port|bind|listen|addr|address)")
_WITH_PORT = re.compile(r"(\S*:)?[1-9][0-9]{1,4}")


def commands_are_lists_of_words(configuration: Configuration) -> Iterator[Finding]:
    """Object to a whole shell line where the program alone belongs, and to control characters."""
    for name, service in configuration.snapshot_settings.services.items():
        key, command = key_of(name, "command"), service.command
        if not all(word.isprintable() for word in command):
            yield Finding(
                key,
                "command_not_printable",
                f"`{dotted(key)}` holds characters that cannot be shown.",
                "Write each word of the command as plain text.",
            )
        elif len(command) == 1 and " " in command[0].strip() and not Path(command[0]).exists():
            words = ", ".join(f'"{word}"' for word in command[0].split())
            yield Finding(
                key,
                "command_is_one_text",
                f"`{dotted(key)}` is one text with blanks in it, but no shell reads it.",
                f"Write each word by itself: `command = [{words}]`.",
            )


def placeholders_are_known(configuration: Configuration) -> Iterator[Finding]:
    """Object to inserts that nobody fills in."""
    for name, service in configuration.snapshot_settings.services.items():
        for position, word in enumerate(service.command):
            for unknown in sorted(placeholders_in(word) - set(PLACEHOLDERS)):
                yield Finding(
                    key_of(name, "command", position),
                    "placeholder_unknown",
                    f"`{dotted(key_of(name, 'command', position))}` holds `${{{unknown}}}`, which "
                    "nobody fills in.",
                    f"Known are {', '.join(f'`${{{each}}}`' for each in PLACEHOLDERS)}.",
                )


def ports_are_not_written(configuration: Configuration) -> Iterator[Finding]:
    """Object to a port that stands in the command: each replica has one of its own."""
    for name, service in configuration.snapshot_settings.services.items():
        port = _written_port(service.command)
        if port is not None:
            yield Finding(
                key_of(name, "command"),
                "port_is_written",
                f"`{dotted(key_of(name, 'command'))}` names the port itself, `{port}`, but each "
                "replica has one of its own, at which the edge looks for it.",
                "Write `${OSTIARY_PORT}` in its place, or have the program read the variable.",
            )


def variables_can_be_set(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that are none, that Ostiary sets itself, or that are given twice."""
    for name, service in configuration.snapshot_settings.services.items():
        for table, names in (
            ("environment", service.environment),
            ("pass_environment", service.pass_environment),
        ):
            for variable in names:
                if complaint := _complaint(variable, table, service):
                    yield Finding(
                        key_of(name, table),
                        "variable_name",
                        f"`{dotted(key_of(name, table))}` names {toml_text(variable)}, "
                        f"{complaint}.",
                        "Use letters, digits and `_`, and give each variable once.",
                    )


def no_secret_stands_in_a_variable(configuration: Configuration) -> Iterator[Finding]:
    """Object to secrets, which would stand in every snapshot; they are not repeated."""
    for name, service in configuration.snapshot_settings.services.items():
        for variable, value in service.environment.items():
            names_a_file = value.startswith("/")
            if passwords_in(value) or (looks_secret(variable) and value and not names_a_file):
                yield Finding(
                    key_of(name, "environment", variable),
                    "secret_in_file",
                    f"`{dotted(key_of(name, 'environment', variable))}` looks like a secret; no "
                    "secret may stand in this file.",
                    f'Write `pass_environment = ["{variable}"]` and set it where the guard is '
                    "started, or name a file that holds it.",
                )


def releases_are_directories(configuration: Configuration, _: Surroundings) -> Iterator[Finding]:
    """Object to a release that is not there. Looks at this machine, where it is to be copied."""
    for name, service in configuration.snapshot_settings.services.items():
        key = key_of(name, "release")
        if service.is_run_elsewhere:
            continue
        if service.release is None:
            yield Finding(
                key,
                "release_missing",
                f"`{dotted(key)}` is missing: nobody knows what to run.",
                'Name the directory with the program, such as `release = "orders"`.',
            )
        elif not Path(service.release).is_dir():
            yield Finding(
                key,
                "release_not_found",
                f"`{dotted(key)}` is {service.release}, which is no directory.",
                "Name a directory; a relative path begins at the settings file.",
            )


def commands_can_be_found(configuration: Configuration, _: Surroundings) -> Iterator[Finding]:
    """Object to a program that this machine does not have, by the path that replicas are given."""
    for name, service in configuration.snapshot_settings.services.items():
        release = service.release
        if not service.command or release is None or not Path(release).is_dir():
            continue
        program = service.command[0]
        if placeholders_in(program):
            continue
        if not _is_found(program, Path(release)):
            where = "in the release" if "/" in program else "in a directory of PATH"
            yield Finding(
                key_of(name, "command", 0),
                "command_not_found",
                f"The service {name} is run by {toml_text(program)}, which is not {where}.",
                "Install the program, or write its path; a relative one begins in the release.",
            )


def _is_found(program: str, release: Path) -> bool:
    if program.startswith("/"):
        return os.access(program, os.X_OK) and Path(program).is_file()
    if "/" in program:
        return (release / program).is_file()
    return shutil.which(program) is not None


def _complaint(variable: str, table: str, service: ServiceSettings) -> str | None:
    if not _VARIABLE.fullmatch(variable):
        return "which is no name of a variable"
    if variable.startswith(OWN_PREFIX):
        return "but Ostiary sets those that begin so itself"
    if table == "environment" and not service.environment[variable].isprintable():
        return "whose value cannot be shown"
    if table == "pass_environment" and variable in service.environment:
        return "which has a value in `environment` already"
    return None


def _written_port(command: Sequence[str]) -> str | None:
    """Return the words that name a port; only what follows an option of such a name counts."""
    for word in command:
        option, equals, value = word.partition("=")
        if equals and _PORT_OPTION.fullmatch(option) and _WITH_PORT.fullmatch(value):
            return word
    for option, value in pairwise(command):
        if _PORT_OPTION.fullmatch(option) and _WITH_PORT.fullmatch(value):
            return f"{option} {value}"
    return None
