"""Asking identity's maintenance program one question: this guard's own, or that of a release.

What a release answers is not believed: it is bounded in time and length, parsed, and shown without
secrets. The request stands on standard input, which stays open as long as somebody waits.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostiary.kernel.errors import ExitCode, OstiaryError
from ostiary.kernel.processes import ProcessRecord, identify
from ostiary.runtime import replica_process
from ostiary.runtime.process_end import kill_session
from ostiary.runtime.redaction import passwords_in, redact
from ostiary.runtime.releases import Release

_MODULE = "ostiary.identity.maintenance"
_BYTES_MAX = 1024 * 1024
_LOOKED_AT_MAX = 4096
_SHOWN_MAX = 400
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


class StoreProgramError(OstiaryError):
    """The program did not do what it was asked; the reason is in its own words, shortened."""

    exit_code = ExitCode.REHEARSAL_FAILED


@dataclass(frozen=True, slots=True)
class StoreProgram:
    """A maintenance program: how it is called in words, and as a process."""

    name: str
    python: Path
    environment: Mapping[str, str] = field(repr=False)
    directory: Path | None = None

    @classmethod
    def own(cls) -> "StoreProgram":
        """Return the one of the code that runs this."""
        path = os.pathsep.join(each for each in sys.path if each)
        environment = replica_process.passed_on() | {"PYTHONPATH": path}
        return cls("This guard", Path(sys.executable), environment)

    @classmethod
    def of(cls, release: Release) -> "StoreProgram":
        """Return the one of a release, run as its replicas are."""
        python = Path(sys.executable)
        environment = replica_process.environment(python, release)
        return cls(f"Release {release.hash[:12]}", python, environment, release.directory)


async def ask(
    program: StoreProgram,
    command: str,
    request: Mapping[str, Any],
    *,
    seconds_max: float,
    started: Callable[[ProcessRecord], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the answer of one command; `started` is told the process while it still waits.

    Nothing of it runs on when this returns or raises. Raises `StoreProgramError` where it fails,
    takes longer, or answers anything but one JSON object at the end.
    """
    process = await asyncio.create_subprocess_exec(
        *(str(program.python), "-P", "-m", _MODULE, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=program.directory,
        env=dict(program.environment),
        start_new_session=True,
    )
    record = identify(process.pid)
    hide = passwords_in(str(request.get("database_url", "")))
    try:
        if record is not None:
            started(record)
        async with asyncio.timeout(seconds_max):
            out, err = await _conversation(process, json.dumps(request).encode() + b"\n")
            code = await process.wait()
    except TimeoutError:
        text = f"{program.name} took more than {seconds_max:g} s for `{command}`, and was ended."
        raise StoreProgramError("store_program_slow", text) from None
    finally:
        if record is not None:
            kill_session(record)
        await process.wait()
    if code != 0:
        raise _problem(program, command, err, hide)
    return _answer(program, command, out, hide)


async def _conversation(process: asyncio.subprocess.Process, request: bytes) -> tuple[bytes, bytes]:
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - asked for
    try:
        process.stdin.write(request)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        # It has ended early; its exit code and its words say why.
        pass
    out, err = await asyncio.gather(_last(process.stdout), _last(process.stderr))
    return out, err


async def _last(stream: asyncio.StreamReader) -> bytes:
    """Return the end of what a stream holds; however much that is, not more is kept."""
    kept = b""
    while chunk := await stream.read(65_536):
        kept = (kept + chunk)[-_BYTES_MAX:]
    return kept


def _answer(program: StoreProgram, command: str, out: bytes, hide: set[str]) -> dict[str, Any]:
    last = out.strip().rpartition(b"\n")[2]
    try:
        answer = json.loads(last)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    shown = _plain(last, hide) or "nothing"
    text = f"{program.name} answered `{command}` with no JSON object, but with: {shown}"
    raise StoreProgramError("store_program_rubbish", text)


def _problem(program: StoreProgram, command: str, err: bytes, hide: set[str]) -> StoreProgramError:
    last = err.strip().rpartition(b"\n")[2]
    try:
        problem = json.loads(last)
        code, message = str(problem["code"]), str(problem["message"])
        if code == "store_unavailable":
            # A person reads this, not a client: what the driver said is of use to them.
            message = f"The account store cannot be used: {problem.get('detail')}."
        text, hint = _plain(message.encode(), hide), _plain(str(problem["hint"]).encode(), hide)
        if _CODE.fullmatch(code):
            return StoreProgramError(code, text, hint=hint)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    text = f"{program.name} failed at `{command}`: {_plain(last, hide) or 'it said nothing'}"
    return StoreProgramError("store_program_failed", text)


def _plain(text: bytes, hide: set[str]) -> str:
    """Return text that can be shown: one line, without secrets or control characters, not long."""
    # Cut first: looking for secrets takes a time that grows with the square of the length.
    line = redact(text[:_LOOKED_AT_MAX].decode(errors="replace"), hide)
    return "".join(each if each.isprintable() else "?" for each in line)[:_SHOWN_MAX]
