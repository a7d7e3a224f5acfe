import random
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from math import exp, isfinite, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence import (
    OTHER_STRATUM,
    ArmCounts,
    Evidence,
    EvidenceSettings,
    Metric,
    StratumWindow,
)
from ostiary.changes.evidence.metrics import BOUND_SHARE
from tests.unit.changes.evidence.distributions import draw

STRATA = ("sign_in", "token", "page")
NOTHING = Evidence(settings=EvidenceSettings(strata=STRATA))


def overturned(stratum: str, canary: tuple[int, int], control: tuple[int, int]) -> StratumWindow:
    return StratumWindow(
        stratum,
        ArmCounts(canary[0], overturned=canary[1]),
        ArmCounts(control[0], overturned=control[1]),
    )


def until_decided(
    evidence: Evidence,
    next_window: Callable[[], StratumWindow],
    *,
    control_arm: bool = True,
    windows_max: int = 500,
) -> tuple[Evidence, int]:
    """Return the evidence when it decides against the change, and how many windows it took."""
    for windows in range(windows_max):
        if evidence.decided:
            return evidence, windows
        evidence = evidence.update([next_window()], control_arm=control_arm)
    raise AssertionError(f"not decided after {windows_max} windows")


def arm(
    rng: random.Random, requests: int, *, faults: float = 0.0, refusals: float = 0.0
) -> ArmCounts:
    faulted = draw(rng, requests, faults)
    return ArmCounts(requests, faulted, draw(rng, requests - faulted, refusals), faulted)


def test_the_weights_and_what_is_set_aside_add_up_to_one() -> None:
    strata = len(STRATA) + 1
    total = strata * sum(NOTHING.weight(metric) for metric in Metric) + BOUND_SHARE
    assert total == pytest.approx(1.0)


def test_without_traffic_nothing_is_said() -> None:
    evidence = NOTHING.update([]).update([overturned("token", (0, 0), (0, 0))])
    assert evidence.log_e == pytest.approx(log(1.0 - BOUND_SHARE))
    assert not evidence.decided
    assert evidence.harmless == frozenset()
    assert evidence.leading(3) == ()
    assert evidence.windows == 2


def test_the_total_is_the_weighted_mean() -> None:
    evidence = NOTHING.update([overturned("token", (5, 5), (5, 0))])
    stratum = evidence.strata["token"]
    listed = sum(evidence.weight(m) * exp(stratum.log_e(m)) for m in Metric)
    idle = len(STRATA) * sum(evidence.weight(m) for m in Metric)
    assert exp(evidence.log_e) == pytest.approx(listed + idle)


def test_a_stratum_may_appear_midway() -> None:
    evidence = NOTHING
    for _ in range(50):
        evidence = evidence.update([overturned("token", (10, 0), (10, 0))])
    evidence, _ = until_decided(evidence, lambda: overturned("sign_in", (5, 5), (5, 0)))
    assert evidence.leading(1)[0].stratum == "sign_in"


def test_strata_that_nobody_listed_are_counted_together() -> None:
    evidence = NOTHING.update(
        [overturned("new", (3, 0), (3, 0)), overturned("newer", (4, 0), (4, 0))]
    )
    assert set(evidence.strata) == {OTHER_STRATUM}
    assert evidence.strata[OTHER_STRATUM].canary.requests == 7


def test_what_was_decided_stays_decided() -> None:
    evidence, _ = until_decided(NOTHING, lambda: overturned("token", (10, 9), (10, 0)))
    for _ in range(200):
        evidence = evidence.update([overturned("token", (10, 0), (10, 9))])
    assert evidence.log_e < evidence.threshold <= evidence.peak_log_e
    assert evidence.decided


def test_thin_windows_are_joined_until_both_arms_can_be_compared() -> None:
    arms = cycle([((1, 1), (0, 0)), ((0, 0), (1, 0))])
    _, windows = until_decided(NOTHING, lambda: overturned("token", *next(arms)))
    assert windows <= 40


def test_a_block_ends_where_the_share_may_change() -> None:
    thin = NOTHING.update([overturned("token", (2, 2), (2, 0))])
    assert thin.strata["token"].canary.requests == 0
    ended = thin.next_step()
    assert ended.strata["token"].canary.requests == 2
    assert ended.log_e > thin.log_e
    assert ended.next_step() == ended


def test_second_opinions_that_end_a_window_later_are_counted_there() -> None:
    evidence = NOTHING.update([overturned("token", (8, 12), (8, 0))])
    assert evidence.strata["token"].canary.overturned == 8
    assert evidence.strata["token"].open_canary.overturned == 4


def test_a_canary_that_accepts_what_the_control_refuses_is_harm() -> None:
    rng = random.Random(1)
    evidence, _ = until_decided(
        NOTHING, lambda: StratumWindow("sign_in", arm(rng, 10), arm(rng, 10, refusals=0.3))
    )
    assert evidence.leading(1)[0].metric is Metric.MISSING_REFUSALS


def test_the_leading_contributions_are_told_in_words() -> None:
    evidence = NOTHING.update(
        [StratumWindow("token", ArmCounts(14, 12, 0, 11), ArmCounts(130, 0, 0, 0))]
    )
    first, second = evidence.leading(2)
    assert first.text == "token: 12 of 14 canary requests failed, 0 of 130 control"
    assert second.text == (
        "token: 11 of 14 canary requests were overturned by the last good version, 0 of 130 control"
    )
    assert first.share >= second.share > 0.0


def test_an_outage_of_both_arms_is_no_evidence() -> None:
    rng, largest = random.Random(2), 0.0
    for _ in range(20):
        evidence = NOTHING
        for second in range(40):
            rate = 0.5 if 10 <= second < 25 else 0.001
            evidence = evidence.update(
                [StratumWindow("token", arm(rng, 25, faults=rate), arm(rng, 25, faults=rate))]
            )
            largest = max(largest, evidence.peak_log_e)
    assert largest < NOTHING.threshold


def test_a_burst_inside_every_window_is_no_evidence() -> None:
    # Requests of one window differ in their chance to fail: half of them always do. Method C
    # assumes one rate per window; it learns that the arms do not differ before that can cost much.
    rng, decided = random.Random(3), 0
    for _ in range(100):
        evidence = NOTHING
        for _ in range(40):
            arms = [rng.random() < 0.5 for _ in range(10)]
            canary, control = sum(arms), 10 - sum(arms)
            failed = sum(arms[:5])
            evidence = evidence.update(
                [overturned("token", (canary, failed), (control, 5 - failed))]
            )
        decided += evidence.decided
    assert decided == 0


def test_a_drifting_base_rate_is_no_evidence() -> None:
    rng, largest = random.Random(4), 0.0
    for _ in range(10):
        evidence = NOTHING
        for window in range(120):
            rate = 0.001 + 0.3 * window / 120
            evidence = evidence.update(
                [StratumWindow("token", arm(rng, 8, faults=rate), arm(rng, 12, faults=rate))]
            )
        largest = max(largest, evidence.peak_log_e)
    assert largest < NOTHING.threshold


def test_the_expectation_stays_at_most_one_when_nothing_is_wrong() -> None:
    rng, total, runs = random.Random(5), 0.0, 400
    for _ in range(runs):
        evidence = NOTHING
        for _ in range(20):
            evidence = evidence.update(
                [
                    StratumWindow("sign_in", arm(rng, 5, refusals=0.1), arm(rng, 5, refusals=0.1)),
                    StratumWindow("token", arm(rng, 6, faults=0.02), arm(rng, 6, faults=0.02)),
                ]
            )
        total += exp(evidence.log_e)
    assert total / runs <= 1.0


def test_a_million_requests_per_window_are_handled_without_overflow() -> None:
    million = 1_000_000
    evidence = NOTHING
    for _ in range(3):
        evidence = evidence.update(
            [
                StratumWindow(
                    "token",
                    ArmCounts(million, 1_000, 50_000, 900),
                    ArmCounts(million, 1_010, 50_100, 905),
                )
            ]
        )
    assert isfinite(evidence.log_e)
    assert not evidence.decided
    evidence = evidence.update(
        [StratumWindow("token", ArmCounts(million, 500_000, 0, 500_000), ArmCounts(million))]
    )
    assert evidence.decided
    assert isfinite(evidence.log_e)


def test_a_healthy_stratum_is_cleared_and_a_failing_one_is_not() -> None:
    evidence = NOTHING
    for _ in range(80):
        evidence = evidence.update(
            [
                StratumWindow("token", ArmCounts(10), ArmCounts(10)),
                StratumWindow("page", ArmCounts(10, 1, 0, 1), ArmCounts(10)),
                StratumWindow("sign_in", ArmCounts(1), ArmCounts(1)),
            ]
        )
    assert evidence.harmless == {"token"}


def test_without_control_arm_the_canary_is_compared_with_what_the_control_was() -> None:
    evidence = NOTHING
    for _ in range(100):
        evidence = evidence.update([overturned("token", (10, 0), (10, 0))])
    healthy = evidence
    for window in range(60):
        few = int(window % 10 == 0)
        healthy = healthy.update([overturned("token", (20, few), (0, 0))], control_arm=False)
    assert not healthy.decided
    window = StratumWindow("token", ArmCounts(20, 15, 0, 15), ArmCounts())
    broken, windows = until_decided(evidence, lambda: window, control_arm=False)
    assert windows <= 4
    assert broken.leading(1)[0].metric is Metric.UNPAIRED
    assert broken.leading(1)[0].text.endswith("while it had all traffic, 0 of 1000 control")


def test_a_stratum_that_keeps_its_control_arm_is_compared_with_it_in_bake_too() -> None:
    # Nobody overturns what may have been done, so without control nothing would be said.
    broken = StratumWindow("token", ArmCounts(18, 9), ArmCounts(2), keeps_control=True)
    decided, windows = until_decided(NOTHING, lambda: broken, control_arm=False)
    assert windows <= 40
    assert decided.leading(1)[0].metric is Metric.FAULTS

    alone, shared = NOTHING, NOTHING
    outage = StratumWindow("token", ArmCounts(18, 9), ArmCounts(2, 1), keeps_control=True)
    for _ in range(100):
        alone = alone.update([replace(broken, keeps_control=False)], control_arm=False)
        shared = shared.update([outage], control_arm=False)
    assert not alone.decided
    assert not shared.decided


def test_strata_that_nobody_listed_keep_no_control_arm_together() -> None:
    # What is counted together may hold strata that have none.
    listed, unlisted = (
        StratumWindow(name, ArmCounts(18, 9), ArmCounts(2), keeps_control=True)
        for name in ("token", "new")
    )
    evidence = NOTHING
    for _ in range(100):
        evidence = evidence.update([unlisted], control_arm=False)
    assert not evidence.decided
    assert evidence.update([listed], control_arm=False).strata["token"].canary.faults == 9


def test_a_stratum_may_be_cleared_while_there_is_no_control_arm() -> None:
    evidence = NOTHING
    for _ in range(40):
        evidence = evidence.update([overturned("token", (10, 0), (0, 0))], control_arm=False)
    assert evidence.harmless == {"token"}


def test_a_bake_without_any_history_can_still_be_decided() -> None:
    window = StratumWindow("sign_in", ArmCounts(10, 8, 0, 8), ArmCounts())
    _, windows = until_decided(NOTHING, lambda: window, control_arm=False)
    assert windows <= 8


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=4, max_size=4))
def test_any_counts_give_a_number(pairs: list[tuple[int, int]]) -> None:
    arms = [ArmCounts(n, min(n, k), min(n, k // 2), k) for n, k in pairs]
    evidence = NOTHING
    for control_arm in (True, True, False, True):
        evidence = evidence.update(
            [StratumWindow("token", arms[0], arms[1]), StratumWindow("page", arms[2], arms[3])],
            control_arm=control_arm,
        )
    assert isfinite(evidence.log_e)
    assert evidence.log_e <= evidence.peak_log_e


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        ArmCounts(3, faults=-1)


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"harmless_margin": 0.0},
        {"harmless_alpha": 2.0},
        {"odds_tolerance": 0.5},
        {"strata": ("token", "token")},
        {"strata": (OTHER_STRATUM,)},
    ],
)
def test_settings_outside_their_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|none"):
        replace(NOTHING.settings, **change)
