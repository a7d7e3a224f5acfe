"""When an Envoy hangs, and when it only has not got ready yet."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from ostiary.edge import envoys, silence
from ostiary.edge.silence import SilenceWatch
from ostiary.kernel.processes import identify

QUESTIONS_A_SECOND_MAX = 2


@pytest.fixture
def watch(tmp_path: Path) -> SilenceWatch:
    """Return a watch over one Envoy: this very process, which answers as a test says."""
    record = identify(os.getpid())
    assert record is not None
    (tmp_path / "envoy-0.json").write_text(json.dumps({"record": record.to_json()}))
    return SilenceWatch(tmp_path)


def ask(watch: SilenceWatch, monkeypatch: pytest.MonkeyPatch, *answers: bool | Exception) -> None:
    remaining = iter(answers)

    async def ready(_admin: object) -> bool:
        answer = next(remaining)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def scenario() -> None:
        for _ in answers:
            await watch.ask()

    monkeypatch.setattr(silence.AdminClient, "ready", ready)
    asyncio.run(scenario())


def test_one_that_has_answered_hangs_after_three_questions(watch, monkeypatch):
    ask(watch, monkeypatch, True, False, False)
    assert watch.hung() is None
    ask(watch, monkeypatch, False)
    assert watch.hung() is not None


def test_one_that_starts_is_left_the_time_that_a_start_may_take(watch, monkeypatch):
    ask(watch, monkeypatch, *[False] * int(envoys.READY_S * QUESTIONS_A_SECOND_MAX))
    assert watch.hung() is None
    ask(watch, monkeypatch, *[False] * 10)
    assert watch.hung() is not None


def test_a_question_that_could_not_be_asked_is_nothing_against_it(watch, monkeypatch):
    ask(watch, monkeypatch, True, False, False)
    with pytest.raises(OSError, match="no descriptor"):
        ask(watch, monkeypatch, OSError("no descriptor"))
    assert watch.hung() is None
