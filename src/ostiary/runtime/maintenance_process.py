"""Identity's own program for work on its whole store, run as a process.

The control plane does not know what the store looks like. It passes the database's address on
standard input: arguments and environment can be read by others.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from ostiary.kernel.errors import ExitCode, OstiaryError
from ostiary.runtime.replica_process import passed_on

_MODULE = "ostiary.identity.maintenance"
_CHUNK = 1024 * 1024


class MaintenanceError(OstiaryError):
    """What identity's program reported, in its own words and with its own exit code."""

    def __init__(self, problem: dict[str, Any]) -> None:
        code = str(problem.get("code", "maintenance_failed"))
        message = str(problem.get("message", "The work on the account store failed."))
        if code == "store_unavailable":
            # A person waits for this, not a request: what the driver said is of use to them.
            message = f"The account store cannot be used: {problem.get('detail')}."
        super().__init__(
            code,
            message,
            hint=str(problem.get("hint", "")),
            detail=str(problem.get("detail", "")),
        )
        self.exit_code = ExitCode(int(problem.get("exit_code", ExitCode.INTERNAL)))


def dump(database_url: str) -> Iterator[bytes]:
    """Yield all rows of a store in pieces. Raises `MaintenanceError` where that fails."""
    with _running("dump", {"database_url": database_url}) as process:
        _send(process, [])
        assert process.stdout is not None  # noqa: S101 - it was asked for
        while chunk := process.stdout.read(_CHUNK):
            yield chunk


def load(database_url: str, lines: Iterable[bytes]) -> dict[str, int]:
    """Put rows into an empty database and return their counts by table.

    Raises `MaintenanceError` where that fails; then the database is as it was.
    """
    with _running("load", {"database_url": database_url}) as process:
        _send(process, lines)
        answer = _read(process)
    return {str(name): int(count) for name, count in answer.get("rows", {}).items()}


def seal(database_url: str, store_key_file: str) -> int:
    """Seal every secret in the store under the present key; return how many were not.

    Raises `MaintenanceError` where that fails; then nothing was changed.
    """
    request = {"database_url": database_url, "store_key_file": store_key_file}
    with _running("seal", request) as process:
        _send(process, [])
        return int(_read(process).get("sealed", 0))


@contextmanager
def _running(command: str, request: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command on a request; raise `MaintenanceError` unless it ends well."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE, command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**passed_on(), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.write(json.dumps(request).encode() + b"\n")
        yield process
        assert process.stderr is not None  # noqa: S101 - it was asked for
        problem = process.stderr.read()
        if process.wait() != 0:
            raise MaintenanceError(_problem(problem))
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)


def _send(process: subprocess.Popen[bytes], lines: Iterable[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    try:
        for line in lines:
            process.stdin.write(line)
        process.stdin.close()
    except BrokenPipeError:
        # It has ended early; its exit code and its words say why.
        return


def _read(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    text = process.stdout.read()
    return dict(json.loads(text)) if text else {}


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except BrokenPipeError:
        return


def _problem(text: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(text.decode().strip().rpartition("\n")[2]))
    except (ValueError, TypeError):
        # A trace of a bug: its last line says what it was.
        last = text.decode(errors="replace").strip().rpartition("\n")[2]
        return {"detail": last[:500]}
