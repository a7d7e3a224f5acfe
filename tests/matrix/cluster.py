"""The system under test as it lies on disk and in the process table: no guard is asked for it."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ostiary.guard.client import GuardClient
from ostiary.kernel import processes
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.ports import Replica
from ostiary.runtime.replica_files import ReplicaFiles
from tests.system import call_ostiary, free_port

SETTINGS = """
[guard]
steps = [10, 50, 100]
step_seconds_min = 1.0
bake_seconds = 2.0
"""
"""As shipped, but a change comes to its end within the run."""

CHANGED_SETTINGS = f"""
[identity]
access_token_seconds = 310
{SETTINGS}"""
"""What is proposed in the middle of a run: a harmless change."""

ENVOYS = 2
REPLICAS = 2

Result = TypeVar("Result")


@dataclass(slots=True)
class Cluster:
    """One data directory with its processes. `last_good` is what the guard said last."""

    data: Path
    database_url: str | None
    port: int = field(default_factory=free_port)
    last_good: str = ""
    told_to_end: set[ProcessRecord] = field(default_factory=set)
    """Processes that a fault has asked to end: they take no new users from then on."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> GuardClient:
        return GuardClient(self.data)

    @property
    def settings(self) -> Path:
        return self.data.with_name("ostiary.toml")

    @property
    def changed_settings(self) -> Path:
        return self.data.with_name("changed.toml")

    async def up(self) -> "subprocess.CompletedProcess[str]":
        """Run `ostiary up --detach`."""
        self.settings.write_text(SETTINGS)
        self.changed_settings.write_text(CHANGED_SETTINGS)
        options = ["--port", str(self.port), "--config", str(self.settings)]
        if self.database_url is not None:
            options += ["--database", self.database_url]
        return await asyncio.to_thread(call_ostiary, "up", "--detach", *options, data=self.data)

    async def down(self) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(call_ostiary, "down", data=self.data)

    async def ask(self, call: Callable[[GuardClient], Result]) -> Result:
        """Call the guard without holding up the users; raises what the client raises."""
        return await asyncio.to_thread(call, self.client)

    def guard(self) -> ProcessRecord | None:
        """Return the guard's process, also one that only starts; None where there is none."""
        return DataDirectory(self.data).running_guard()

    def envoy(self, index: int) -> ProcessRecord | None:
        """Return the process of an Envoy by its record; None where it does not run."""
        try:
            value = json.loads((self.data / "edge" / f"envoy-{index}.json").read_bytes())
            record = ProcessRecord.from_json(value["record"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return record if processes.is_alive(record) else None

    def replicas(self) -> list[Replica]:
        """Return the replicas of the last good snapshot whose process lives, by name."""
        found = [record.replica for record in ReplicaFiles(self.data / "replicas").records()]
        return [
            replica
            for replica in found
            if replica is not None
            and replica.snapshot == self.last_good
            and processes.is_alive(replica.process)
        ]

    def running(self) -> dict[int, str]:
        """Return every process whose command line names the data directory."""
        return {
            int(entry.name): command
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and str(self.data) in (command := command_of(int(entry.name)))
        }

    async def status(self) -> dict[str, Any]:
        """Return what the guard says; raises `OstiaryError` where it says nothing."""
        value = await self.ask(lambda client: client.get("/status"))
        self.last_good = str(value["last_good"])
        return value


def command_of(pid: int) -> str:
    """Return the command line of a process; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_stopped(record: ProcessRecord) -> bool:
    """Return whether the process stands still after SIGSTOP."""
    try:
        text = Path(f"/proc/{record.pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] in {"T", "t"}
