"""The keeper starts the guard again when it dies, and knows when not to."""

from pathlib import Path

import pytest

from ostiary.guard import keeper
from tests.fakes.clock import FakeClock


class FakeProcess:
    """Ends at once with the next of the given codes."""

    codes: list[int]

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self.code = FakeProcess.codes.pop(0)

    def wait(self) -> int:
        return self.code


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that keeps a guard whose runs end with the given codes."""
    monkeypatch.setattr(keeper.subprocess, "Popen", FakeProcess)
    monkeypatch.setattr(keeper.time, "sleep", lambda _seconds: None)

    def keep(*codes: int) -> tuple[int, int]:
        FakeProcess.codes = list(codes)
        ended = keeper.keep(["guard"], tmp_path / "log", FakeClock())
        return ended, len(codes) - len(FakeProcess.codes)

    return keep


def test_a_guard_that_dies_is_started_until_it_ends_in_order(run):
    assert run(-9, 1, -9, 0) == (0, 4)


def test_a_first_start_that_is_refused_is_not_tried_again(run):
    assert run(2, 0) == (2, 1)
    assert run(3, 0) == (3, 1)


def test_a_refusal_after_the_guard_has_run_is_tried_again(run):
    assert run(-9, 3, 2, 0) == (0, 4)


def test_a_log_that_cannot_be_opened_keeps_no_guard_from_being_started_again(run, tmp_path):
    """A read-only file system refuses it, which for a test that may be root is a directory."""
    (tmp_path / "log").mkdir()
    assert run(-9, 1, 0) == (0, 3)
