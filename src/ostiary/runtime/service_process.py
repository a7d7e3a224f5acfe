"""How a replica of another service than identity is called: arguments and environment.

The program knows nothing of Ostiary. What it has to know, such as its port, stands in variables,
and in its arguments wherever `${OSTIARY_PORT}` and the like are written there. A shell that reads
the same text fills in the same.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostiary.kernel.errors import OstiaryError
from ostiary.runtime.ports import ReplicaSpec
from ostiary.runtime.replica_process import passed_on

OWN_PREFIX = "OSTIARY_"
MARK = "OSTIARY_REPLICA_FILE"
"""Names a replica's configuration, by which a guard finds a process that has no record yet."""

PLACEHOLDERS = (
    "OSTIARY_HOST",
    "OSTIARY_PORT",
    "OSTIARY_HEALTH_PORT",
    "OSTIARY_RELEASE_DIRECTORY",
    "OSTIARY_DATA_DIRECTORY",
    "OSTIARY_ISSUER",
    "OSTIARY_EDGE",
    "OSTIARY_SERVICE",
    "OSTIARY_REPLICA",
    "OSTIARY_SNAPSHOT",
    "OSTIARY_PYTHON",
)
"""What a program is told, by variables of these names; `docs/services.md` says what each means."""

_PLACEHOLDER = re.compile(rf"\$\{{({OWN_PREFIX}[A-Z_]*)\}}")


def placeholders_in(word: str) -> set[str]:
    """Return the names of Ostiary's own variables that are to be filled into a word."""
    return set(_PLACEHOLDER.findall(word))


def told(
    spec: ReplicaSpec, address: Mapping[str, Any], release: Path, data: Path
) -> dict[str, str]:
    """Return what a replica is told, by the names of `PLACEHOLDERS`."""
    values = (
        address["host"],
        address["port"],
        address["health_port"],
        release,
        data,
        spec.issuer,
        spec.edge_url,
        spec.service,
        spec.name,
        spec.snapshot,
        sys.executable,
    )
    return dict(zip(PLACEHOLDERS, map(str, values), strict=True))


def arguments(settings: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """Return the command of a service's settings with everything filled in."""
    return [
        _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), word)
        for word in settings["command"]
    ]


def environment(
    settings: Mapping[str, Any], values: Mapping[str, str], config: Path
) -> dict[str, str]:
    """Return the environment of a replica: few variables of the guard, and its own.

    Raises `OstiaryError` where the guard has not got a variable that it is to pass on.
    """
    missing = [name for name in settings["pass_environment"] if name not in os.environ]
    if missing:
        raise OstiaryError(
            "variable_missing",
            f"The variable {missing[0]}, which is to be passed on, is not set.",
            hint="Set it where `ostiary up` is run, or take it out of `pass_environment`.",
        )
    passed = {name: os.environ[name] for name in settings["pass_environment"]}
    # Byte code that Python writes beside its source would alter the copy of the release.
    python = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    own = {**values, MARK: str(config)}
    return passed_on() | python | dict(settings["environment"]) | passed | own


def secrets_of(settings: Mapping[str, Any]) -> set[str]:
    """Return the values that are passed on and that no log line may show."""
    return {os.environ[name] for name in settings["pass_environment"] if name in os.environ}
