"""What a guard below a keeper answers: a refusal ends the keeper, any other end does not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli import guard_process, wiring
from ostiary.guard.options import GuardOptions
from ostiary.kernel.errors import ExitCode, RefusedError
from ostiary.kernel.journal import JournalError

Ready = Callable[[dict[str, Any]], None]


def run(data: Path, monkeypatch: pytest.MonkeyPatch, guard: Callable[[Ready], None]) -> int:
    def run_guard(_options: object, *, ready: Ready, **_others: object) -> None:
        guard(ready)

    monkeypatch.setattr(GuardOptions, "requested", lambda _data: None)
    monkeypatch.setattr(wiring, "run_guard", run_guard)
    return guard_process.run_kept(data)


def test_a_guard_that_refuses_to_start_says_so(tmp_path, monkeypatch):
    def refuse(_ready: Ready) -> None:
        raise RefusedError("settings_wrong", "A setting is wrong.")

    assert run(tmp_path, monkeypatch, refuse) == ExitCode.REFUSED
    assert (tmp_path / "guard.failure.json").exists()


def test_a_guard_that_served_and_lost_its_journal_has_refused_nothing(tmp_path, monkeypatch):
    def lose(ready: Ready) -> None:
        ready({})
        raise JournalError("journal_full", "The disk is full.")

    assert run(tmp_path, monkeypatch, lose) == ExitCode.INTERNAL
