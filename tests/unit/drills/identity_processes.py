"""Replicas of the real login service as processes, from a copied release, on one SQLite store."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

import ostiary
from ostiary.watch.relying_party.target import Target
from tests.identity_app import STORE_KEY

ADMIN_TOKEN = "an-admin-token-of-a-test"
EDGE_TOKEN = "an-edge-token-of-a-test"
ISSUER = "http://login.example.test"
_SOURCE = Path(ostiary.__file__).parent


class IdentityProcesses:
    """Starts replicas below a directory; `close` ends them all in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._processes: list[subprocess.Popen] = []
        for name, token in (("admin", ADMIN_TOKEN), ("edge", EDGE_TOKEN)):
            (directory / f"{name}.token").write_text(token)
        (directory / "store.key").write_text(STORE_KEY)

    def copy_release(self, name: str) -> Path:
        """Return a directory that holds a copy of this checkout's package."""
        release = self.directory / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_SOURCE, release / "ostiary", ignore=ignored)
        return release

    def start(
        self,
        name: str,
        snapshot: str,
        release: Path,
        *,
        settings: Mapping[str, object] | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> Target:
        """Start one replica and return how to reach it once it is ready."""
        port, health_port = free_port(), free_port()
        configuration = self.directory / f"{name}.config.json"
        configuration.write_text(
            json.dumps(
                {
                    "name": name,
                    "snapshot": snapshot,
                    "host": "127.0.0.1",
                    "port": port,
                    "health_port": health_port,
                    "database_url": f"sqlite:///{self.directory}/identity.db",
                    "issuer": ISSUER,
                    "status_url": "",
                    "admin_token_file": str(self.directory / "admin.token"),
                    "edge_token_file": str(self.directory / "edge.token"),
                    "store_key_file": str(self.directory / "store.key"),
                    "settings": {"leeway_seconds": 1, **(settings or {})},
                    "flags": dict(flags or {}),
                }
            )
        )
        configuration.chmod(0o600)
        log = self.directory / f"{name}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ostiary.identity", "--config", str(configuration)],
                cwd=release,
                env={**os.environ, "PYTHONPATH": str(release)},
                stdout=stream,
                stderr=stream,
            )
        self._processes.append(process)
        deadline = time.monotonic() + 60
        while not (is_ready(health_port) and is_listening(port)):
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.05)
        return Target(name, f"http://127.0.0.1:{port}", ISSUER, snapshot=snapshot)

    def command_lines(self) -> list[str]:
        """Return the arguments of the replicas that run, as the kernel shows them."""
        paths = [Path(f"/proc/{process.pid}/cmdline") for process in self._processes]
        return [path.read_bytes().replace(b"\0", b" ").decode() for path in paths]

    def stop_last(self) -> None:
        """End the replica that was started last."""
        self._end([self._processes.pop()])

    def close(self) -> None:
        """End all replicas that still run."""
        self._end(self._processes)

    def _end(self, processes: Sequence[subprocess.Popen]) -> None:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(30)
            finally:
                process.kill()


def is_ready(health_port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        url = f"http://127.0.0.1:{health_port}/ready"
        return httpx.get(url, trust_env=False).status_code == 200
    return False


def is_listening(port: int) -> bool:
    """Return whether the port for users takes connections; it may open after that for health."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
