"""Start time and memory: what is worse by a factor and by an amount is refused, nothing else."""

from types import SimpleNamespace

import pytest

from ostiary.guard.rehearsal.figures import slow_start, too_large
from ostiary.guard.rehearsal.memory_watch import LARGE_IN_ROW_MAX, MemoryWatch


@pytest.mark.parametrize(
    ("candidate", "last_good", "refused"),
    [
        (1.0, 1.0, False),
        (5.9, 1.0, False),
        (6.1, 1.0, True),
        (14.0, 5.0, False),
        (15.1, 5.0, True),
        (60.0, None, False),
        (None, 1.0, False),
    ],
)
def test_a_start_is_refused_that_is_three_times_and_five_seconds_slower(
    candidate, last_good, refused
):
    assert (slow_start(candidate, last_good) is not None) is refused


def test_both_starts_are_named():
    reason = slow_start(12.0, 2.0)
    assert reason is not None
    assert "12.0 s, last good after 2.0 s" in reason.text


@pytest.mark.parametrize(
    ("mib", "last_good", "refused"),
    [
        (120, 100, False),
        (299, 100, False),
        (301, 100, True),
        (450, 240, False),
        (481, 240, True),
        (600, 0, False),
        (601, 0, True),
        (601, 590, True),
    ],
)
def test_memory_is_refused_beyond_the_limit_or_twice_and_200_mib_beyond_last_good(
    mib, last_good, refused
):
    reason = too_large("identity-1", float(mib), float(last_good), 600)
    assert (reason is not None) is refused
    if reason is not None:
        assert f"{mib} MiB" in reason.text
        assert "memory" in reason.text


def test_a_canary_replica_that_stays_too_large_is_told_and_one_that_shrinks_is_not():
    sizes = {"new": 700.0, "old": 100.0}
    watch = MemoryWatch(
        lambda each: sizes[each.name], lambda _: 600, lambda _: [SimpleNamespace(name="old")]
    )
    new = SimpleNamespace(name="new", snapshot="s-new")
    before = [watch.look([new]) for _ in range(LARGE_IN_ROW_MAX - 1)]
    sizes["new"] = 120.0
    shrunk = watch.look([new])
    sizes["new"] = 700.0
    after = [watch.look([new]) for _ in range(LARGE_IN_ROW_MAX)]
    assert [*before, shrunk, *after[:-1]] == [None] * (2 * LARGE_IN_ROW_MAX - 1)
    assert after[-1].code == "memory_growth"
