"""How a replica's process is called: identity as a module of its release, others by a command."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.runtime import replica_process, resources, service_process
from ostiary.runtime.ports import IDENTITY, ReplicaSpec
from ostiary.runtime.releases import Release


@dataclass(frozen=True, slots=True)
class Launch:
    """What one process is started with; `content` goes into its configuration file."""

    arguments: list[str]
    environment: dict[str, str]
    limits: dict[int, int]
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Launching:
    """What all replicas of a data directory have in common.

    `tokens` are the files of secrets that only identity is told, `python` the interpreter with its
    dependencies, and `data` the directory in which services have directories of their own.
    """

    python: Path
    tokens: Mapping[str, Path]
    data: Path

    def of(
        self, spec: ReplicaSpec, release: Release, address: Mapping[str, Any], config: Path
    ) -> Launch:
        """Return how to start a replica; raises `OstiaryError` where something for it is missing.

        Raises `OSError` where a service's data directory cannot be made.
        """
        if spec.service == IDENTITY:
            return Launch(
                arguments=replica_process.arguments(self.python, spec.service, config),
                environment=replica_process.environment(self.python, release),
                limits=resources.limits(spec.settings),
                content=replica_process.configuration(spec, address, self.tokens),
            )
        own = self.data / spec.service
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        values = service_process.told(spec, address, release.directory, own)
        return Launch(
            arguments=service_process.arguments(spec.settings, values),
            environment=service_process.environment(spec.settings, values, config),
            limits=resources.limits_of_service(spec.settings),
            content={"name": spec.name, "snapshot": spec.snapshot, **address},
        )
