"""How the process of a replica is called: arguments, environment and configuration file.

Arguments and environment can be read by others on many machines. Secrets stand in the
configuration file, or in files that it names, and nowhere else.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostiary.runtime.ports import ReplicaSpec
from ostiary.runtime.releases import Release

_PACKAGE = "ostiary."
_PASSED_ON = frozenset(
    {
        "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "PGPASSFILE",
        "PGSERVICEFILE", "PGSSLCERT", "PGSSLKEY", "PGSSLMODE", "PGSSLROOTCERT", "SSL_CERT_DIR",
        "SSL_CERT_FILE", "TMPDIR", "TZ", "USER",
    }
)  # fmt: skip


def arguments(python: Path, service: str, config: Path) -> list[str]:
    """Return the arguments that run a service's package with a configuration file."""
    return [str(python), "-P", "-m", f"{_PACKAGE}{service}", "--config", str(config)]


def config_in(found: Sequence[str]) -> Path | None:
    """Return the configuration file in a replica's arguments; None for any other process."""
    match found:
        case [_, "-P", "-m", module, "--config", config] if module.startswith(_PACKAGE):
            return Path(config)
    return None


def environment(python: Path, release: Release) -> dict[str, str]:
    """Return the environment of a replica: a short list of names, and where its code stands."""
    own = {"PYTHONPATH": str(release.directory), "PYTHONUNBUFFERED": "1"}
    if python != Path(sys.executable):
        # The release has byte code for this Python only; another would write its own into it.
        own["PYTHONDONTWRITEBYTECODE"] = "1"
    return passed_on() | own


def passed_on() -> dict[str, str]:
    """Return what this process's environment gives to processes of identity: no secrets."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith("LC_")
    }


def configuration(
    spec: ReplicaSpec, address: Mapping[str, Any], tokens: Mapping[str, Path]
) -> dict[str, Any]:
    """Return the content of a replica's configuration file.

    `address` holds host, port and health_port, `tokens` the files that hold shared secrets.
    """
    return {
        "name": spec.name,
        "snapshot": spec.snapshot,
        **address,
        "database_url": spec.database_url,
        "issuer": spec.issuer,
        "status_url": spec.status_url,
        **{name: str(path) for name, path in tokens.items()},
        "settings": dict(spec.settings),
        "flags": dict(spec.flags),
    }
