"""Counts that the edge drops end a change: its failures could be among them."""

from contextlib import closing
from types import SimpleNamespace

import pytest

from ostiary.changes.events import EdgeFailed
from ostiary.edge.counters import EdgeCounters
from ostiary.guard import history
from ostiary.guard.conductor import Conductor
from ostiary.guard.windows import LOST_MAX, WindowReader
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock


def counted(named: int, total: int) -> EdgeCounters:
    return EdgeCounters(named_attempts={"": named}, attempts_total=total)


@pytest.mark.parametrize(
    ("lost", "incomplete"), [(0, False), (LOST_MAX, False), (LOST_MAX + 1, True)]
)
def test_only_what_stays_away_is_lost(lost, incomplete):
    windows = WindowReader(counted(100, 100))
    windows.close(counted(200, 200 + lost))
    assert (windows.lost, windows.incomplete) == (0, False)
    windows.close(counted(300, 300 + lost))
    assert (windows.lost, windows.incomplete) == (lost, incomplete)


def test_requests_under_way_at_one_reading_are_none():
    windows = WindowReader(counted(100, 100))
    windows.close(counted(200, 230))
    windows.close(counted(330, 330))
    assert windows.lost == 0


def test_a_loss_of_an_earlier_change_is_none_of_this_one():
    windows = WindowReader(counted(100, 900))
    windows.close(counted(200, 1000))
    windows.close(counted(300, 1100))
    assert windows.lost == 0


def test_a_loss_is_journalled_and_ends_the_change(tmp_path):
    delivered: list[object] = []
    with closing(Journal(tmp_path / "guard.db", FakeClock())) as journal:
        conductor = Conductor(SimpleNamespace(journal=journal))
        conductor.state = SimpleNamespace(phase="stepping", change="c-1")
        conductor._deliver = delivered.append
        windows = WindowReader(counted(0, 0))
        windows.lost = 40
        conductor._check_counts(windows)
        (entry,) = [each for each in journal.entries() if each.kind == history.COUNTS_LOST]
    assert (entry.subject, entry.data) == ("c-1", {"lost": 40})
    (event,) = delivered
    assert isinstance(event, EdgeFailed)
    assert "40" in event.text
