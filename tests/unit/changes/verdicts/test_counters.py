"""Posted counters: what is taken, what is refused, and what lies between two readings."""

from typing import Any

import pytest

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.changes.verdicts.counters import COUNTERS_MAX, Reading, difference, read
from ostiary.kernel.errors import UsageError


def row(arm: str = "canary", requests: Any = 100, faults: Any = 0, **more: Any) -> dict[str, Any]:
    return {"arm": arm, "route": "token", "requests": requests, "faults": faults, **more}


def reading(*rows: dict[str, Any], **more: Any) -> Reading:
    return read({"revision": "r1", "counters": list(rows), **more})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"counters": []}, "`revision`: Field required"),
        ({"revision": "r1"}, "`counters`: Field required"),
        ({"revision": "r1", "counters": [row(requests=-1)]}, "`counters.0.requests`"),
        ({"revision": "r1", "counters": [row(requests=1.5)]}, "`counters.0.requests`"),
        ({"revision": "r1", "counters": [row(requests=float("nan"))]}, "`counters.0.requests`"),
        ({"revision": "r1", "counters": [row(requests="7")]}, "`counters.0.requests`"),
        ({"revision": "r1", "counters": [row(requests=True)]}, "`counters.0.requests`"),
        ({"revision": "r1", "counters": [row(requests=2**60)]}, "`counters.0.requests`"),
        ({"revision": "r1", "counters": [row(arm="blue")]}, "`counters.0.arm`"),
        ({"revision": "r1", "counters": [row(surprise=1)]}, "`counters.0.surprise`"),
        ({"revision": "r1", "counters": [row(faults=101)]}, "more faults or refusals"),
        ({"revision": "r1", "counters": [row(), row()]}, "same arm, route and source"),
        ({"revision": "r1", "counters": [], "share": 101}, "`share`"),
        ({"revision": "r1", "counters": [row()] * (COUNTERS_MAX + 1)}, "`counters`"),
    ],
)
def test_what_cannot_be_counted_is_named_and_refused(body: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match="cannot be used") as caught:
        read(body)
    assert said in caught.value.message


def test_what_was_counted_is_the_difference_summed_over_sources() -> None:
    before = reading(row(source="a"), row(source="b"), row("stable", 900, 1))
    now = reading(
        row(requests=110, faults=2, refusals=3, source="a"),
        row(requests=101, source="b"),
        row("stable", 990, 1),
    )
    found = difference(before, now)
    assert found is not None
    expected = StratumWindow("token", ArmCounts(11, 2, 3), ArmCounts(90))
    assert found.windows == (expected,)


def test_a_reading_that_comes_twice_adds_nothing() -> None:
    one = reading(row(), row("stable", 900))
    found = difference(one, one)
    assert found is not None
    assert found.windows == ()


def test_the_first_reading_says_nothing_nor_does_that_of_another_revision() -> None:
    one = reading(row(), row("stable", 900))
    other = read({"revision": "r0", "counters": []})
    assert difference(None, one) is None
    assert difference(other, one) is None


def test_a_new_source_says_nothing_at_first_and_one_that_began_again_all_of_it() -> None:
    before = reading(row(source="a"))
    now = reading(row(requests=7, source="a"), row(requests=5000, faults=5000, source="new"))
    found = difference(before, now)
    assert found is not None
    assert found.windows == (StratumWindow("token", ArmCounts(7), ArmCounts()),)


def test_nothing_counts_across_a_change_of_the_share() -> None:
    before = reading(row(), row("stable", 900), share=5)
    now = reading(row(requests=500, faults=400), row("stable", 1000), share=50)
    found = difference(before, now)
    assert found is not None
    assert (found.windows, found.new_share) == ((), True)
