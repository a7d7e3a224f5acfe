"""The record of what every simulated user tried and got: the only truth that a drill is scored by.

One JSON object per line, appended with one write each, so that a crash costs at most the last
line. The first line tells about the run. No line holds a password, token, code or cookie.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from ostiary.kernel.errors import UsageError

SLOW_SECONDS: Final = 5.0
"""An answer that takes longer has not helped the user (design of the drills)."""


class Expected(StrEnum):
    """What a correct service would have answered."""

    GRANT = "grant"
    REFUSE = "refuse"


class Came(StrEnum):
    """What the user got."""

    GRANTED = "granted"
    REFUSED = "refused"
    FAULT = "fault"
    TIMEOUT = "timeout"
    NO_ANSWER = "no_answer"
    WRONG_CONTENT = "wrong_content"
    WRONG_IDENTITY = "wrong_identity"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the traffic set out to do. `started_at` is in Unix seconds."""

    started_at: float
    rate: float
    seconds: float
    seed: int
    users: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One action of one user. Times are Unix seconds; latency counts from `intended`.

    `ok` is false where the user was harmed: refused, failed, kept waiting, or told wrong things.
    `wrong_yes` is true where a correct service would have refused and this one did not.
    """

    visit: int
    user: str
    action: str
    intended: float
    started: float
    ended: float
    expected: Expected
    came: Came
    ok: bool
    wrong_yes: bool
    detail: str

    @property
    def grantable(self) -> bool:
        """Return whether a correct service would have granted the action."""
        return self.expected is Expected.GRANT


def judge(expected: Expected, came: Came, seconds: float) -> tuple[bool, bool]:
    """Return `(ok, wrong_yes)` of an action that took `seconds` from when it was intended."""
    if expected is Expected.GRANT:
        return came is Came.GRANTED and seconds <= SLOW_SECONDS, False
    return came is Came.REFUSED, came is Came.GRANTED


class LedgerWriter:
    """Appends to a new ledger file, readable by its owner only. Use it with `with`."""

    def __init__(self, path: Path, run: Run) -> None:
        """Create the file with the run's line in it; raises `UsageError` where one exists."""
        # It gets its name once it has its first line: a reader never finds an empty ledger.
        unnamed = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._descriptor = os.open(unnamed, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                self._write({"kind": "run", **asdict(run)})
                os.link(unnamed, path)
            except BaseException:
                os.close(self._descriptor)
                raise
            finally:
                unnamed.unlink()
        except OSError as error:
            message = f"Cannot create the ledger {path}: {error.strerror}."
            hint = "Every run needs a new file." if isinstance(error, FileExistsError) else ""
            raise UsageError("ledger_not_created", message, hint=hint) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.fsync(self._descriptor)
        os.close(self._descriptor)

    def append(self, entry: Entry) -> None:
        """Append one action; it survives the death of this process, not of the machine."""
        self._write({"kind": "action", **asdict(entry)})

    def end(self, ended_at: float) -> None:
        """Append that the run came to its end; arrivals were over at `ended_at`, Unix seconds."""
        self._write({"kind": "end", "ended_at": ended_at})

    def _write(self, document: Mapping[str, object]) -> None:
        line = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        os.write(self._descriptor, line)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger as read. `ended_at` is when arrivals were over; None where the run was cut off."""

    run: Run
    entries: Sequence[Entry]
    ended_at: float | None


def read_ledger(path: Path) -> Ledger:
    """Read a ledger; a last line that was cut off by a crash is left out.

    Raises `UsageError` where the file cannot be read or a line in it is not what was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"Cannot read the ledger {path}: {error.strerror}."
        raise UsageError("ledger_not_readable", message) from error
    # What follows the last line break is empty, or a line that was cut off.
    lines = content.split(b"\n")[:-1]
    if not lines:
        raise UsageError("ledger_empty", f"{path} has no line that tells about the run.")
    number = 0
    try:
        run = _read_run(json.loads(lines[0]))
        entries, ended_at = [], None
        for line in lines[1:]:
            number += 1
            document = json.loads(line)
            if document["kind"] == "end":
                ended_at = _number(document["ended_at"])
            else:
                entries.append(_read_entry(document))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "ledger_damaged", f"{path}, line {number + 1}: this is no line of a ledger."
        ) from error
    return Ledger(run, tuple(entries), ended_at)


def _read_run(line: Mapping[str, object]) -> Run:
    if line["kind"] != "run":
        raise ValueError("the first line must tell about the run")
    return Run(
        started_at=_number(line["started_at"]),
        rate=_number(line["rate"]),
        seconds=_number(line["seconds"]),
        seed=int(_number(line["seed"])),
        users=int(_number(line["users"])),
    )


def _read_entry(line: Mapping[str, object]) -> Entry:
    if line["kind"] != "action":
        raise ValueError("not an action")
    return Entry(
        visit=int(_number(line["visit"])),
        user=str(line["user"]),
        action=str(line["action"]),
        intended=_number(line["intended"]),
        started=_number(line["started"]),
        ended=_number(line["ended"]),
        expected=Expected(str(line["expected"])),
        came=Came(str(line["came"])),
        ok=line["ok"] is True,
        wrong_yes=line["wrong_yes"] is True,
        detail=str(line["detail"]),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)
