"""The series that people see of the evidence: bounded, without losing a peak or a request."""

import json
from datetime import UTC, datetime

import pytest

from ostiary.changes.course import POINTS_MAX, STRATA_MAX, Course, with_points
from ostiary.changes.evidence import ArmCounts, Evidence, EvidenceSettings, StratumWindow

BEGAN = datetime(2026, 1, 2, 12, 2, 36, tzinfo=UTC)
STRATA = ("token", "sign_in", "page", "userinfo")


def window(canary: int = 5, failed: int = 0, stratum: str = "token") -> StratumWindow:
    return StratumWindow(stratum, ArmCounts(canary, failed, 0, failed), ArmCounts(5, 0, 0, 0))


def followed(*windows, every: float = 0.5, share: float = 0.1) -> tuple[Course, Evidence]:
    """Return course and evidence after one window after another."""
    evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
    course = Course(BEGAN, evidence.threshold).at_step(share, 0.0)
    for number, strata in enumerate(windows, start=1):
        counted = strata if isinstance(strata, list) else [strata]
        evidence = evidence.update(counted)
        course = course.after(evidence, counted, seconds=number * every)
    return course, evidence


def test_two_windows_make_one_point_of_a_second():
    course, evidence = followed(window(), window(canary=7), window(failed=5))
    first, second = course.points
    assert (first.seconds, first.lasted, first.canary_requests) == (1.0, 1.0, 12)
    assert (second.seconds, second.lasted, second.control_requests) == (1.5, 0.5, 5)
    assert second.log_e == evidence.log_e


def test_the_moment_it_reached_the_threshold_is_told_with_what_led_it():
    course, evidence = followed(window(), *[window(failed=5)] * 8)
    assert evidence.decided
    assert course.reached is not None
    moment = course.to_json()["reached"]
    assert moment["log_e"] >= course.threshold
    assert moment["text"].startswith("token: ")
    assert moment["at"].startswith("2026-01-02T12:02:3")
    # A forced change goes on: the first moment stays, the highest moves on.
    assert course.highest is not None
    assert course.highest.seconds > course.reached.seconds


def test_without_anything_against_the_change_no_moment_is_told():
    course, _ = followed(*[window()] * 20)
    assert (course.reached, course.highest) == (None, None)
    assert all(point.strata == {} for point in course.points)


@pytest.mark.parametrize("windows", [POINTS_MAX * 2 + 1, 7_200])
def test_a_long_change_keeps_few_points_and_all_requests(windows):
    course, _ = followed(*[window(canary=1)] * windows)
    assert POINTS_MAX // 2 <= len(course.points) <= POINTS_MAX
    assert sum(point.canary_requests for point in course.points) == windows
    assert sum(point.lasted for point in course.points) == pytest.approx(windows * 0.5)
    lengths = [point.lasted for point in course.points[:-1]]
    assert max(lengths) <= 2 * min(lengths)
    assert len(json.dumps(course.to_json())) < 30_000


def test_joining_keeps_the_highest_and_the_lowest_value():
    spike = [window(failed=2), *[window(canary=5)] * 3]
    course, _ = followed(*[window()] * 50, *spike, *[window()] * 3000)
    alone, _ = followed(*[window()] * 50, *spike)
    assert max(p.high for p in course.points) == max(p.high for p in alone.points)
    assert min(p.low for p in course.points) <= min(p.low for p in alone.points)
    assert course.highest == alone.highest


def test_steps_stay_apart_however_often_points_are_joined():
    evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
    course = Course(BEGAN, evidence.threshold)
    for number in range(2000):
        course = course.at_step(number // 500 / 10, number * 0.5)
        course = course.after(evidence, [], seconds=number * 0.5 + 0.5)
    assert [share for _, share in course.steps] == [0.0, 0.1, 0.2, 0.3]
    ends = {
        share: max(p.seconds for p in course.points if p.share == share) for share in (0.0, 0.1)
    }
    assert ends == {0.0: 250.0, 0.1: 500.0}


def test_only_the_leading_strata_are_named():
    counted = [window(failed=5, stratum=name) for name in STRATA]
    course, _ = followed(*[counted] * 6)
    assert len(course.points[-1].strata) == STRATA_MAX


def test_the_journalled_form_reads_back_by_name():
    course, _ = followed(window(), window(failed=5), window(failed=5))
    told = with_points(json.loads(json.dumps(course.to_json())))
    assert "rows" not in told
    last = told["points"][-1]
    assert last["seconds"] == 1.5
    assert last["strata"].keys() == course.points[-1].strata.keys()
    assert told["steps"] == [{"seconds": 0.0, "share": 0.1}]
