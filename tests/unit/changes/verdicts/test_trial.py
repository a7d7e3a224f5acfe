"""What runs of journeys and counts add up to, and when that stops a version."""

import pytest

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.changes.verdict_settings import RolloutSettings
from ostiary.changes.verdicts import JourneyRun, Judgement, Terms, Trial, Verdict, judge
from ostiary.kernel.ids import SeededRandom

TERMS = Terms(alpha=0.001)
COUNTING = Terms(alpha=0.001, routes=("token",))
GOOD, CANARY, STABLE, BOTH = (None, None), ("new", None), (None, "old"), ("new", "old")
NOBODY = JourneyRun({"walk": ("ConnectError", None)}, canary_there=False)
TABLE = RolloutSettings(
    issuer="https://login.example.com",
    stable_url="http://stable.test",
    canary_url="http://canary.test",
    passes_min=3,
    fresh_seconds=60,
)


def trial(*pairs: tuple[str | None, str | None], terms: Terms = TERMS) -> Trial:
    """Return a trial after one run per pair, a second apart."""
    result = Trial.begin("r1", terms, 0.0)
    for second, pair in enumerate(pairs):
        result = result.after_run(JourneyRun({"walk": pair}), float(second))
    return result


def window(canary: ArmCounts, stable: ArmCounts) -> StratumWindow:
    return StratumWindow("token", canary, stable)


def judged(given: Trial, now: float = 0.0, vouching: dict[str, str] | None = None) -> Judgement:
    return judge(given, TABLE, vouching or {}, now)


def codes(judgement: Judgement) -> list[str]:
    return [each.code for each in judgement.reasons]


def test_a_version_that_fails_every_journey_is_stopped_within_a_dozen_runs() -> None:
    found = judged(trial(*[CANARY] * 12))
    assert found.verdict is Verdict.STOP
    assert codes(found) == ["worse_than_stable", "journey_fails"]
    assert "E = " in found.reasons[0].text
    assert found.reasons[1].text == "new The stable version passes."


def test_one_failure_never_stops_a_version_and_never_lets_it_go() -> None:
    found = judged(trial(*[GOOD] * 50, CANARY), now=50.0)
    assert found.verdict is Verdict.UNDECIDED
    assert "journey_fails" in codes(found)


def test_what_was_stopped_stays_stopped_when_it_recovers() -> None:
    stopped = trial(*[CANARY] * 12)
    later = stopped
    for second in range(1000):
        later = later.after_run(JourneyRun({"walk": GOOD}), float(second))
    assert later.stopped == stopped.stopped
    assert judged(later, now=1000.0).verdict is Verdict.STOP


@pytest.mark.parametrize("pair", [BOTH, STABLE])
def test_what_fails_at_the_stable_version_stops_nothing(pair: tuple[str | None, str]) -> None:
    assert trial(*[pair] * 500).stopped == ()


def test_a_journey_that_is_broken_is_set_aside_and_told() -> None:
    given = Trial.begin("r1", TERMS, 0.0)
    for second in range(5):
        given = given.after_run(JourneyRun({"walk": GOOD, "other": BOTH}), float(second))
    found = judged(given, now=5.0)
    assert (found.verdict, codes(found)) == (Verdict.GO, ["journey_broken"])
    only_broken = judged(trial(*[BOTH] * 5), now=5.0)
    assert (only_broken.verdict, codes(only_broken)) == (Verdict.UNDECIDED, ["journey_broken"])


def test_a_version_that_is_not_there_is_neither_stopped_nor_let_go() -> None:
    given = trial(*[GOOD] * 10)
    for second in range(500):
        given = given.after_run(NOBODY, float(second))
    found = judged(given, now=500.0)
    assert (found.verdict, codes(found)) == (Verdict.UNDECIDED, ["canary_not_there"])
    assert given.passes == {"walk": 0}


def test_go_takes_so_many_passes_in_a_row_and_is_taken_back_when_they_are_old() -> None:
    assert codes(judged(Trial.begin("r1", TERMS, 0.0))) == ["journeys_not_run"]
    assert codes(judged(trial(GOOD, GOOD), now=2.0)) == ["journey_passes_missing"]
    assert judged(trial(GOOD, GOOD, GOOD), now=2.0).verdict is Verdict.GO
    assert codes(judged(trial(GOOD, CANARY, GOOD, GOOD), now=3.0)) == ["journey_passes_missing"]
    assert codes(judged(trial(GOOD, GOOD, GOOD), now=63.0)) == ["journeys_stale"]


def test_a_route_needs_evidence_of_its_own_or_a_journey_that_vouches_for_it() -> None:
    given = trial(*[GOOD] * 3, terms=COUNTING)
    few = given.after_counts([window(ArmCounts(100), ArmCounts(900))], 3.0)
    assert codes(judged(few, now=3.0)) == ["route_unproven"]
    assert judged(few, now=3.0, vouching={"walk": "token"}).verdict is Verdict.GO
    many = given.after_counts([window(ArmCounts(1000), ArmCounts(9000))], 3.0)
    assert judged(many, now=3.0).verdict is Verdict.GO
    assert many.after_run(JourneyRun({"walk": GOOD}), 100.0).counts_at == 3.0
    assert codes(judged(many.after_run(JourneyRun({"walk": GOOD}), 100.0), now=100.0)) == [
        "counts_stale"
    ]


def test_before_the_first_share_readings_that_say_so_are_enough() -> None:
    given = trial(*[GOOD] * 3, terms=COUNTING)
    nobody = [window(ArmCounts(), ArmCounts(500))]
    found = judged(given.after_counts(nobody, 3.0, share=0), now=3.0)
    assert (found.verdict, codes(found)) == (Verdict.GO, ["no_users_yet"])


@pytest.mark.parametrize("share", [None, 5.0])
def test_that_nothing_was_counted_does_not_say_that_there_are_no_users(share: float | None) -> None:
    given = trial(*[GOOD] * 3, terms=COUNTING)
    assert codes(judged(given, now=3.0)) == ["route_unproven"]
    silent = given.after_counts([window(ArmCounts(), ArmCounts(500))], 3.0, share=share)
    assert codes(judged(silent, now=3.0)) == ["route_unproven"]


def test_users_who_were_counted_are_not_forgotten_at_share_nothing() -> None:
    given = trial(*[GOOD] * 3, terms=COUNTING)
    met = given.after_counts([window(ArmCounts(5), ArmCounts(500))], 3.0, share=5)
    back = met.after_counts([], 3.0, share=0, new_share=True)
    assert codes(judged(back, now=3.0)) == ["route_unproven"]


def test_counts_alone_stop_a_version_that_fails_users() -> None:
    given = trial(*[GOOD] * 20, terms=COUNTING)
    for second in range(20):
        one = window(ArmCounts(100, faults=20), ArmCounts(900, faults=1))
        given = given.after_counts([one], 20.0 + second)
    assert codes(judged(given, now=40.0))[:2] == ["worse_than_stable", "counts_faults"]


def test_an_outage_of_both_versions_stops_nothing() -> None:
    given = trial(*[GOOD] * 20, terms=COUNTING)
    for second in range(200):
        one = window(ArmCounts(100, faults=50), ArmCounts(900, faults=450))
        given = given.after_counts([one], 20.0 + second)
    assert given.stopped == ()


def test_where_users_are_under_suspicion_journeys_that_pass_do_not_outvote_them() -> None:
    given = trial(*[GOOD] * 20, terms=COUNTING)
    for second in range(100):
        one = window(ArmCounts(10, faults=1), ArmCounts(90))
        given = given.after_counts([one], 20.0 + second)
        if "suspected" in codes(judged(given, now=20.0, vouching={"walk": "token"})):
            break
    assert judged(given, now=20.0, vouching={"walk": "token"}).verdict is Verdict.UNDECIDED


def test_an_ended_trial_is_undecided_unless_it_was_stopped() -> None:
    from dataclasses import replace  # noqa: PLC0415

    ended = replace(trial(*[GOOD] * 3), ended=True)
    assert codes(judged(ended)) == ["ended"]
    assert judged(replace(trial(*[CANARY] * 12), ended=True)).verdict is Verdict.STOP


def test_versions_that_are_alike_are_stopped_as_rarely_as_stated() -> None:
    """Journeys that fail now and then, alike at both: at most 5 % of 400 rollouts are stopped."""
    stopped = 0
    for seed in range(400):
        rng, rate = SeededRandom(seed), (0.01, 0.05, 0.3, 0.6)[seed % 4]
        given = Trial.begin("r1", Terms(alpha=0.05), 0.0)
        for second in range(200):
            failing = [("x" if rng.uniform() < rate else None) for _ in range(4)]
            run = JourneyRun({"a": (failing[0], failing[1]), "b": (failing[2], failing[3])})
            given = given.after_run(run, float(second))
        stopped += bool(given.stopped)
    # 99 % of the draws of a binomial distribution with 400 trials at 5 % lie at 31 or below.
    assert stopped <= 31
