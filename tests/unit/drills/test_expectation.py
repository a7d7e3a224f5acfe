import pytest

from ostiary.drills.expectation import affected_share, unmet
from ostiary.drills.facts import DrillFacts
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.scenarios.catalogue import scenario
from ostiary.drills.scoring import Score


def order(name="seed-000", mode=Mode.GUARDED, from_stage=None):
    return DrillOrder(scenario(name), mode, from_stage, seed=1)


def result(*, stage="rehearse", verdict="refused", void=(), **counts):
    facts = DrillFacts(drill="seed-000", mode="guarded", stage=stage, verdict=verdict)
    usual = {"users_total": 60, "users_affected": 0, "wrong_yes": 0, "visits_failed": 0}
    usual |= {"restored_after_s": None}
    return Score(
        facts=facts,
        actions_total=500,
        actions_failed=0,
        achieved_rate=1.0,
        visits_during=100,
        detected_after_s=None,
        named_after_s=None,
        void_reasons=void,
        **(usual | counts),
    )


def test_a_guarded_drill_that_was_refused_without_harm_went_as_it_must():
    assert unmet(result(), order()) == []


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ({"verdict": "promoted", "stage": "good"}, "it was not stopped: promoted"),
        ({"verdict": "held", "stage": "canary"}, "it was not stopped: held"),
        ({"verdict": None, "stage": "canary"}, "it was not stopped: no verdict"),
        ({"stage": "check"}, "it ended in stage check, not rehearse"),
        ({"users_affected": 2}, "2 users were affected"),
        ({"wrong_yes": 1}, "1 actions were granted wrongly"),
    ],
)
def test_what_did_not_go_as_it_must_is_told(came, told):
    assert unmet(result(**came), order()) == [told]


def test_from_canary_any_stage_may_end_it():
    came = result(stage="bake", verdict="rolled_back")

    assert unmet(came, order(from_stage="canary")) == []


def test_a_void_run_meets_nothing_however_good_it_looks():
    came = result(void=("no traffic after the fault",))

    assert unmet(came, order()) == ["void: no traffic after the fault"]


@pytest.mark.parametrize(("affected", "is_met"), [(39, True), (51, True), (38, False), (52, False)])
def test_unguarded_the_share_of_the_outage_is_hit_give_or_take_ten_points(affected, is_met):
    found = unmet(result(users_affected=affected), order(mode=Mode.UNGUARDED))

    assert (found == []) is is_met, found


def test_a_scenario_may_count_visits():
    lopsided = order("seed-004", Mode.UNGUARDED)
    came = result(users_affected=60, visits_failed=32)

    assert affected_share(came, lopsided) == pytest.approx(0.32)
    assert unmet(came, lopsided) == []
    assert unmet(result(visits_failed=50), lopsided) == [
        "50% affected, not 30% give or take 10 points"
    ]


def injected(mode=Mode.GUARDED):
    return order("database-locked", mode)


def test_an_injected_fault_may_affect_so_many_guarded_and_must_be_well_again():
    expected = injected().scenario.content.expected
    came = {"influenced_at": 10.0, "visits_failed": 100, "verdict": None, "stage": None}

    assert expected.counted == "visits"
    assert unmet(result(restored_after_s=12.0, **came), injected()) == []
    assert unmet(result(restored_after_s=None, **came), injected()) == [
        "it was not well again after the fault was removed"
    ]
