"""The relay as seen from the drill: its process, and its rules."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ostiary.drills.injection import relay
from ostiary.drills.injection.relay import Rules
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.files import write_atomically

_END_SECONDS_MAX = 5


@contextmanager
def relaying(near: Path, far: Path, rules: Path, log: Path) -> Iterator[None]:
    """Relay from one Unix socket to another under the rules of a file, until the block ends.

    Raises `OstiaryError` where the relay does not start.
    """
    command = [sys.executable, "-P", relay.__file__, "--rules", str(rules), str(near), str(far)]
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        ) as process,
    ):
        try:
            if process.stdout is None or not process.stdout.readline():
                said = log.read_text(errors="replace").strip()[-500:]
                raise OstiaryError("relay_failed", f"The drill's relay did not start: {said}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True, slots=True)
class Network:
    """What lies between two ends that speak through relays: a file of rules that these read."""

    path: Path

    @contextmanager
    def worse(self, rules: Rules) -> Iterator[None]:
        """Put rules in force until the block ends, beside those that are."""
        before = self._read()
        self._write([*before, asdict(rules)])
        try:
            yield
        finally:
            self._write(before)

    def _read(self) -> list[dict[str, object]]:
        return list(json.loads(self.path.read_bytes())) if self.path.exists() else []

    def _write(self, rules: list[dict[str, object]]) -> None:
        write_atomically(self.path, json.dumps(rules).encode())
