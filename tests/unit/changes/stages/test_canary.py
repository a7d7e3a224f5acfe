import pytest

from ostiary.changes import actions, events
from ostiary.changes.evidence import ArmCounts
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.state import Phase
from tests.unit.changes.driving import (
    BOTH_BROKEN,
    BROKEN,
    FAILED,
    HEALTHY,
    PACING,
    PASSED,
    Drive,
    at,
    window,
)

BOTH_FAILED = events.JourneysRun(passed=False, control_passed=False)
WRONG = events.JourneysRun(passed=False, control_passed=True, wrong_here_alone=True)
WRONG_WHILE_BUSY = events.JourneysRun(passed=False, control_passed=False, wrong_here_alone=True)
"""The canary minted something wrong; the control was kept from anything by something else."""

WITHDRAWN = (actions.WithdrawCanary(),)


def test_users_are_let_in_only_after_the_pinned_journeys_have_passed() -> None:
    drive = at(Phase.PINNED)
    assert drive.tell(events.Tick(), after=50.0).actions == ()
    assert drive.run_journeys().actions == (actions.SetShare(0.1),)


def test_pinned_journeys_that_fail_twice_in_a_row_roll_back_before_any_user() -> None:
    drive = at(Phase.PINNED).run_journeys(FAILED)
    assert drive.actions == (actions.RunJourneys(),)
    why = Reason("step_failed", "Sign-in answered 500.")
    drive.run_journeys(events.JourneysRun(passed=False, failures=(why,), control_passed=True))
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert [reason.code for reason in drive.state.reasons] == ["journeys_failed", "step_failed"]
    assert not any(isinstance(a, actions.SetShare) and a.share for a in drive.taken)


HIDEABLE = events.JourneysRun(passed=False, control_passed=True, hideable=True, verified=True)
UNSEEN = events.JourneysRun(passed=False, control_passed=True, hideable=True)


def test_failures_that_second_opinions_hide_bar_nobody_where_users_are_to_judge() -> None:
    drive = at(Phase.PINNED, from_stage=Stage.CANARY).apply_share().run_journeys(HIDEABLE)
    assert drive.actions == (actions.SetShare(0.1),)
    assert drive.state.journeys.failed_in_row == 0


def test_failures_that_second_opinions_hide_bar_the_canary_of_a_rehearsed_change() -> None:
    drive = at(Phase.PINNED).run_journeys(HIDEABLE).run_journeys(HIDEABLE)
    assert drive.actions == WITHDRAWN


def test_what_nothing_hides_bars_the_canary_wherever_the_change_started() -> None:
    drive = (
        at(Phase.PINNED, from_stage=Stage.CANARY)
        .apply_share()
        .run_journeys(FAILED)
        .run_journeys(FAILED)
    )
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.ROLLED_BACK


def test_a_canary_whose_tokens_nobody_has_seen_gets_no_user() -> None:
    drive = at(Phase.PINNED, from_stage=Stage.CANARY).apply_share()
    drive.run_journeys(UNSEEN).run_journeys(UNSEEN)
    assert drive.actions == WITHDRAWN


def test_failures_that_are_hidden_permit_no_further_step_without_evidence() -> None:
    drive = at(Phase.PINNED, from_stage=Stage.CANARY).apply_share().run_journeys(HIDEABLE)
    drive.apply_share().tell(events.Tick(), after=PACING.step_seconds_min)
    drive.run_journeys(HIDEABLE)
    assert drive.state.share == 0.1
    assert not any(isinstance(action, actions.SetShare) for action in drive.actions)


def test_a_single_failure_of_the_journeys_is_looked_into_at_once() -> None:
    drive = at(Phase.PINNED).run_journeys(FAILED).run_journeys(PASSED)
    assert drive.actions == (actions.SetShare(0.1),)
    assert drive.state.journeys.failed_in_row == 0


def test_journeys_that_fail_on_the_control_too_neither_condemn_nor_permit() -> None:
    drive = at(Phase.PINNED)
    for _ in range(3):
        drive.run_journeys(BOTH_FAILED)
        assert drive.actions == ()
        assert drive.tell(events.Tick(), after=5.0).actions == (actions.RunJourneys(),)
    assert drive.state.phase is Phase.PINNED


def test_a_step_lasts_its_least_time() -> None:
    drive = at(Phase.STEPPING).run_journeys()
    assert drive.tell(events.Tick(), after=PACING.step_seconds_min - 0.1).actions in (
        (),
        (actions.RunJourneys(),),
    )
    assert drive.tell(events.Tick(), after=0.2).actions == (actions.SetShare(0.5),)


def test_silence_is_no_permission() -> None:
    drive = at(Phase.STEPPING)
    drive.tell(events.Tick(), after=50.0)
    assert drive.state.ordered_share is None


def test_a_stratum_with_traffic_needs_journeys_that_passed_there() -> None:
    drive = at(Phase.STEPPING)
    drive.tell(window(ArmCounts(1), ArmCounts(1), stratum="sign_in"))
    drive.run_journeys(events.JourneysRun(passed=True, strata_passed=frozenset({"token"})))
    drive.tell(events.Tick(), after=50.0)
    assert drive.state.ordered_share is None
    drive.run_journeys()
    assert drive.actions == (actions.SetShare(0.5),)


def test_a_stratum_with_traffic_may_be_cleared_by_evidence_instead() -> None:
    drive = at(Phase.STEPPING)
    drive.tell(*[HEALTHY] * 60)
    assert drive.state.ordered_share is None
    assert drive.tell(events.Tick(), after=PACING.step_seconds_min).actions == (
        actions.SetShare(0.5),
    )


def test_journeys_of_an_earlier_step_do_not_count_for_this_one() -> None:
    drive = at(Phase.STEPPING).run_journeys()
    drive.tell(events.Tick(), after=6.0)
    drive.tell(events.Tick(), after=6.0).apply_share()
    assert drive.state.share == 0.5
    # The run under way began in the step before; another one has to pass.
    drive.run_journeys()
    assert drive.actions == (actions.RunJourneys(),)
    assert not drive.state.journeys.clean
    drive.tell(events.Tick(), after=20.0)
    assert drive.state.ordered_share is None
    assert drive.run_journeys().actions == (actions.SetShare(1.0),)


def test_a_failed_run_takes_back_what_earlier_ones_permitted() -> None:
    drive = at(Phase.STEPPING).tell(HEALTHY).run_journeys()
    drive.tell(events.Tick(), after=5.0).run_journeys(FAILED)
    drive.tell(events.Tick(), after=50.0)
    assert drive.state.ordered_share is None
    assert drive.run_journeys().actions == (actions.SetShare(0.5),)


def test_evidence_withdraws_the_canary_at_once() -> None:
    drive = at(Phase.STEPPING)
    drive.until_decided(BROKEN)
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.ROLLED_BACK
    first = drive.state.reasons[0]
    assert first.code == "harm"
    assert first.text.startswith("token: ")
    assert first.numbers["log_e_total"] >= first.numbers["threshold"]
    assert drive.state.result.failed_attempts_hidden > 0
    assert drive.state.result.users_affected == 0


def test_evidence_ends_a_bake_too() -> None:
    drive = at(Phase.BAKING)
    drive.until_decided(window(ArmCounts(10, 9, 0, 9), ArmCounts()))
    assert (drive.state.stage, drive.state.verdict) == (Stage.BAKE, Verdict.ROLLED_BACK)


def test_harm_in_both_arms_holds_the_change_without_judging_it() -> None:
    drive = at(Phase.STEPPING).tell(*[HEALTHY] * 30)
    drive.until_decided(BOTH_BROKEN)
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.HELD
    assert [reason.code for reason in drive.state.reasons] == ["both_arms_failing"]
    assert drive.state.result.users_affected == drive.state.final_failures > 0


@pytest.mark.parametrize(
    "event", [events.CanaryUnavailable("x"), events.CandidatesFailed("a", "x")]
)
@pytest.mark.parametrize("phase", [Phase.PINNED, Phase.STEPPING, Phase.BAKING])
def test_a_canary_that_is_not_there_is_rolled_back(phase: Phase, event: events.Event) -> None:
    drive = at(phase).tell(event)
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.ROLLED_BACK


@pytest.mark.parametrize("phase", [Phase.PINNED, Phase.STEPPING, Phase.BAKING])
def test_an_edge_that_does_not_take_a_share_holds_the_change(phase: Phase) -> None:
    drive = at(phase).tell(events.EdgeFailed("Envoy did not confirm."))
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.HELD


@pytest.mark.parametrize("phase", [Phase.PINNED, Phase.STEPPING])
def test_a_change_without_decision_is_held(phase: Phase) -> None:
    drive = at(phase)
    drive.tell(window(ArmCounts(1), ArmCounts(1), stratum="page"))
    drive.tell(events.Tick(), after=PACING.held_after_seconds)
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.HELD
    assert "page" in drive.state.reasons[0].text


def test_a_bake_that_may_not_end_is_held() -> None:
    drive = at(Phase.BAKING).tell(window(ArmCounts(1), ArmCounts()))
    drive.tell(events.Tick(), after=PACING.bake_seconds)
    assert drive.state.verdict is None
    drive.tell(events.Tick(), after=PACING.held_after_seconds)
    assert (drive.state.verdict, drive.state.stage) == (Verdict.HELD, Stage.BAKE)


def test_journeys_go_on_through_the_bake() -> None:
    drive = at(Phase.BAKING).run_journeys()
    assert drive.tell(events.Tick(), after=4.9).actions == ()
    assert drive.tell(events.Tick(), after=0.2).actions == (actions.RunJourneys(),)


def test_the_bake_ends_in_a_promotion() -> None:
    drive = at(Phase.BAKING).run_journeys()
    drive.tell(events.Tick(), after=PACING.bake_seconds)
    assert drive.actions == (actions.PromoteSnapshot(),)


def test_a_forced_change_goes_on_whatever_evidence_and_journeys_say() -> None:
    failed = events.JourneysRun(passed=False, control_passed=True, hideable=True)
    drive = at(Phase.PINNED, force_reason="the fix must go out").run_journeys(failed)
    assert drive.actions == (actions.SetShare(0.1),)
    drive.apply_share().tell(*[BROKEN] * 20, *[BOTH_BROKEN] * 20)
    assert drive.state.evidence.decided
    drive.run_journeys(FAILED)
    drive.tell(events.Tick(), after=PACING.step_seconds_min).apply_share()
    drive.tell(events.Tick(), after=PACING.step_seconds_min).apply_share()
    drive.tell(events.Tick(), after=PACING.bake_seconds)
    assert drive.actions == (actions.PromoteSnapshot(),)
    assert drive.state.reasons[0].text.endswith("the fix must go out")


@pytest.mark.parametrize("wrong", [WRONG, WRONG_WHILE_BUSY], ids=["quiet", "busy"])
@pytest.mark.parametrize("from_stage", [Stage.CHECK, Stage.CANARY])
def test_not_even_force_lets_users_meet_what_no_second_opinion_hides(
    from_stage: Stage, wrong: events.JourneysRun
) -> None:
    drive = Drive(from_stage=from_stage, force_reason="it must go out")
    drive.tell(events.Checked(ok=True), events.CandidatesReady())
    if from_stage is Stage.CHECK:
        drive.tell(events.Rehearsed(passed=True))
    drive.apply_share().run_journeys(wrong)
    assert drive.actions == (actions.RunJourneys(),), "one failure is looked into at once"
    drive.run_journeys(wrong)
    assert drive.actions == WITHDRAWN
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert drive.state.result.users_affected == 0


def test_a_forced_change_goes_on_where_the_journeys_fail_on_both_arms() -> None:
    drive = at(Phase.PINNED, force_reason="it must go out").run_journeys(BOTH_FAILED)
    assert drive.actions == (actions.SetShare(0.1),)


def test_a_forced_change_still_needs_a_canary_that_is_there() -> None:
    drive = at(Phase.STEPPING, force_reason="it must go out")
    drive.tell(events.CanaryUnavailable("all replicas died"))
    assert drive.state.verdict is Verdict.ROLLED_BACK


def test_a_forced_change_does_not_hammer_failing_journeys() -> None:
    drive = at(Phase.STEPPING, force_reason="it must go out")
    drive.run_journeys(FAILED)
    assert drive.actions == ()
    assert drive.tell(events.Tick(), after=5.0).actions == (actions.RunJourneys(),)


def test_what_users_met_is_counted() -> None:
    drive = at(Phase.STEPPING)
    drive.tell(window(ArmCounts(5, 2, 0, 1), ArmCounts(5), final_failures=1))
    assert drive.state.result.users_affected == 1
    assert drive.state.result.failed_attempts_hidden == 1


@pytest.mark.parametrize("passed", [PASSED, FAILED])
def test_journeys_that_nobody_ordered_are_a_bug(passed: events.JourneysRun) -> None:
    drive = at(Phase.STEPPING).run_journeys()
    with pytest.raises(AssertionError, match="JourneysRun cannot happen"):
        drive.tell(passed)


def test_a_share_that_nobody_ordered_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="EdgeApplied cannot happen"):
        at(Phase.STEPPING).tell(events.EdgeApplied(0.7))
