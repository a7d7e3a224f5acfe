"""What is done for ever goes on after errors that are expected, and ends by those that are not."""

import asyncio
from pathlib import Path

import pytest

from ostiary.guard.patience import Rhythm, keep_doing
from ostiary.kernel.errors import UsageError
from ostiary.kernel.journal import Journal, JournalError
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize("last", [JournalError("full", "The disk is full."), ValueError("a bug")])
def test_work_goes_on_until_an_error_that_must_end_it(tmp_path: Path, monkeypatch, last):
    async def at_once(_seconds: float) -> None:
        return

    monkeypatch.setattr("ostiary.guard.patience.asyncio.sleep", at_once)
    journal = Journal(tmp_path / "guard.db", FakeClock())
    outcomes = [OSError("no disk"), None, UsageError("taken", "No port."), None, last]

    async def work() -> None:
        if outcome := outcomes.pop(0):
            raise outcome

    with pytest.raises(type(last)):
        asyncio.run(keep_doing(work, Rhythm(0.2, 5.0), what="edge", journal=journal))
    assert outcomes == []
    assert [entry.data["message"] for entry in journal.entries()] == ["no disk", "No port."]
