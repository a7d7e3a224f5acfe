"""Changes with terms of their own: intended refusals, replays, and good snapshots brought back."""

from dataclasses import replace

from ostiary.changes import actions, controller, events
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.records import state_from_json, state_to_json
from ostiary.changes.state import Phase
from ostiary.changes.terms import Replay, Terms
from ostiary.edge.intended_refusals import EVERY_REFUSAL, IntendedRefusal
from tests.unit.changes.driving import EVIDENCE, PACING, PASSED, Drive

MEANT = IntendedRefusal("token", "invalid_scope")
RESTORING = Terms(restores=True)
UNPROVEN = events.ProofRun(of="promotion", passed=False)


def drive(terms: Terms, from_stage: Stage = Stage.CHECK) -> Drive:
    begun = Drive(from_stage=from_stage)
    begun.state, begun.actions = controller.begin(
        "c-1",
        "s-1",
        now=begun.now,
        pacing=PACING,
        evidence=EVIDENCE,
        from_stage=from_stage,
        terms=terms,
    )
    return begun


def restoring() -> Drive:
    begun = drive(RESTORING, Stage.BAKE)
    return begun.tell(events.Checked(ok=True), events.CandidatesReady())


def test_every_share_is_ordered_with_the_refusals_that_are_meant() -> None:
    begun = drive(Terms(intended=(MEANT,))).tell(
        events.Checked(ok=True), events.CandidatesReady(), events.Rehearsed(passed=True)
    )
    assert begun.actions == (actions.SetShare(0.0, (MEANT,)),)


def test_the_rehearsal_replays_what_stopped_the_earlier_change() -> None:
    replay = Replay("c-0", frozenset({"sign_in"}))
    begun = drive(Terms(replay=replay)).tell(events.Checked(ok=True), events.CandidatesReady())
    assert begun.actions == (actions.RunRehearsal(replay),)


def test_what_a_passed_rehearsal_notes_goes_into_the_record() -> None:
    note = Reason("replayed", "it was tried again")
    begun = drive(Terms()).tell(
        events.Checked(ok=True),
        events.CandidatesReady(),
        events.Rehearsed(passed=True, notes=(note,)),
    )
    assert begun.state.phase is Phase.PINNED
    assert begun.state.reasons == (note,)


def test_a_good_snapshot_is_brought_back_without_second_opinions_of_the_bad_one() -> None:
    begun = restoring()
    assert begun.actions == (actions.PromoteSnapshot(),)
    begun.tell(events.SnapshotPromoted())
    assert begun.actions == (actions.RunProof("promotion"),)
    begun.tell(events.ProofRun(of="promotion", passed=True))
    assert begun.actions == (actions.MarkGood(), actions.StopReplaced())
    begun.tell(events.ReplicasStopped())
    assert (begun.state.settled, begun.state.verdict) == (True, Verdict.PROMOTED)
    assert not any(isinstance(each, actions.SetShare) for each in begun.taken)


def test_a_good_snapshot_stays_where_its_journeys_fail_too_and_the_record_says_so() -> None:
    begun = restoring().tell(events.SnapshotPromoted(), UNPROVEN)
    begun.tell(events.Tick(), after=2.0)
    begun.tell(UNPROVEN)
    assert begun.actions == (actions.MarkGood(), actions.StopReplaced())
    assert [reason.code for reason in begun.state.reasons] == ["proof_failed"]


def test_a_good_snapshot_whose_replicas_do_not_start_leaves_everything_as_it_is() -> None:
    begun = drive(RESTORING, Stage.BAKE).tell(
        events.Checked(ok=True), events.CandidatesFailed("not_started", "no memory")
    )
    assert begun.actions == (actions.StopCandidates(),)
    assert begun.state.verdict is Verdict.REFUSED


def test_what_could_not_be_taken_back_is_last_good_again() -> None:
    begun = drive(RESTORING, Stage.BAKE).tell(
        events.Checked(ok=True),
        events.CandidatesFailed("not_started", "no memory"),
        events.ReplicasStopped(),
    )
    assert begun.actions == (actions.MarkServed(), actions.Settle(begun.state.result))
    refused = drive(RESTORING, Stage.BAKE).tell(events.Checked(ok=False))
    assert refused.actions[0] == actions.MarkServed()


def test_a_change_that_takes_nothing_back_marks_nothing_when_it_ends() -> None:
    refused = drive(Terms()).tell(events.Checked(ok=False))
    assert refused.actions == (actions.Settle(refused.state.result),)


def test_terms_survive_the_journal() -> None:
    terms = Terms(intended=(MEANT,), replay=Replay("c-0", frozenset({"a"})), restores=True)
    state = replace(drive(terms).state)
    assert state_from_json(state_to_json(state)).terms == terms


SECURITY = Terms(intended=EVERY_REFUSAL)


def refused(stratum: str = "sign_in", kind: str = "refused") -> tuple[Reason, ...]:
    """Return what a journey tells that met a stricter release."""
    return (Reason("journey_failed", "expected a code", {"stratum": stratum, "kind": kind}),)


def at_canary(terms: Terms) -> Drive:
    begun = drive(terms).tell(events.Checked(ok=True), events.CandidatesReady())
    return begun.tell(events.Rehearsed(passed=True)).apply_share()


def strict_run(kind: str = "refused", stratum: str = "sign_in") -> events.JourneysRun:
    """Return a run that failed on the canary only."""
    failures = refused(stratum, kind)
    return events.JourneysRun(passed=False, failures=failures, control_passed=True, hideable=True)


def run_often(begun: Drive, run: events.JourneysRun, times: int = 6) -> Drive:
    for _ in range(times):
        if begun.state.verdict is None and not begun.state.journeys.under_way:
            begun.tell(events.Tick(), after=5.0)
        if begun.state.journeys.under_way and begun.state.verdict is None:
            begun.run_journeys(run)
        if begun.state.ordered_share is not None and begun.state.verdict is None:
            begun.apply_share()
    return begun


def test_a_declared_security_fix_is_not_rolled_back_because_journeys_meet_its_refusals() -> None:
    begun = run_often(at_canary(SECURITY), strict_run())
    assert begun.state.verdict is None
    assert begun.state.exposed, "users reach it"


def test_what_no_fix_can_intend_ends_it_as_ever() -> None:
    for run in (strict_run("fault"), strict_run("wrong_content"), strict_run("timeout")):
        begun = run_often(at_canary(SECURITY), run)
        assert begun.state.verdict is Verdict.ROLLED_BACK


def test_refusals_where_none_were_declared_end_a_change_as_ever() -> None:
    elsewhere = Terms(intended=(IntendedRefusal("token", "invalid_scope"),))
    assert run_often(at_canary(elsewhere), strict_run()).state.verdict is Verdict.ROLLED_BACK
    for stratum in ("token", "token.refresh_token"):
        declared = run_often(at_canary(elsewhere), strict_run(stratum=stratum))
        assert declared.state.verdict is None


def test_the_proof_after_its_promotion_does_not_take_a_security_fix_back_for_its_refusals() -> None:
    begun = run_often(at_canary(SECURITY), PASSED, 3)
    begun.tell(events.Command("promote", "ada"))
    begun.apply_share().tell(events.Command("promote", "ada"), events.SnapshotPromoted())
    assert begun.state.phase is Phase.PROVING
    for _ in range(2):
        begun.tell(events.Tick(), after=1.1)
        begun.tell(events.ProofRun("promotion", passed=False, failures=refused()))
    assert begun.state.verdict is Verdict.PROMOTED
    assert "journey_failed" in {reason.code for reason in begun.state.reasons}
