"""Every event in every phase: expected, late and ignored, refused, or a bug of the sender."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes import actions, events
from ostiary.changes.errors import CommandRefusedError, IllegalEventError
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.state import Phase
from tests.unit.changes.driving import BROKEN, FAILED, HEALTHY, NEEDED, PASSED, Drive, at

EVENTS: dict[str, events.Event] = {
    "checked": events.Checked(ok=True),
    "check refused": events.Checked(ok=False, problems=(Reason("bad", "Bad."),)),
    "ready": events.CandidatesReady(),
    "candidates failed": events.CandidatesFailed("start_failed", "Exit code 1."),
    "rehearsed": events.Rehearsed(passed=True),
    "rehearsal failed": events.Rehearsed(passed=False),
    "share ordered": events.EdgeApplied(-1.0),
    "share not ordered": events.EdgeApplied(0.77),
    "promoted": events.SnapshotPromoted(),
    "withdrawn": events.CanaryWithdrawn(),
    "edge failed": events.EdgeFailed("Envoy did not confirm."),
    "healthy window": HEALTHY,
    "broken window": BROKEN,
    "journeys": PASSED,
    "journeys failed": FAILED,
    "promotion proven": events.ProofRun("promotion", passed=True),
    "rollback proven": events.ProofRun("rollback", passed=True),
    "unavailable": events.CanaryUnavailable("All died."),
    "stopped": events.ReplicasStopped(),
    "tick": events.Tick(),
}
ANSWERED = "check refused, checked, ready, candidates failed, rehearsed, rehearsal failed, "
LATE = ANSWERED + (
    "share ordered, share not ordered, promoted, withdrawn, edge failed, healthy window, "
    "broken window, journeys, journeys failed, promotion proven, unavailable, tick"
)
CANARY = (
    "candidates failed, edge failed, healthy window, broken window, journeys, journeys failed, "
    "unavailable, tick"
)
PROMOTION = (
    "candidates failed, share ordered, share not ordered, healthy window, broken window, "
    "journeys, journeys failed, unavailable, tick, "
)
POSSIBLE: dict[Phase, str] = {
    Phase.CHECKING: "checked, check refused, tick",
    Phase.APPROVING: "tick",
    Phase.STARTING: "ready, candidates failed, tick",
    Phase.REHEARSING: "rehearsed, rehearsal failed, candidates failed, tick",
    Phase.PINNED: CANARY,
    Phase.STEPPING: CANARY,
    Phase.BAKING: CANARY,
    Phase.PROMOTING: PROMOTION + "promoted, edge failed",
    Phase.PROVING: PROMOTION + "promotion proven",
    Phase.DRAINING: PROMOTION + "stopped",
    Phase.WITHDRAWING: LATE,
    Phase.STOPPING: LATE + ", rollback proven, stopped",
    Phase.SETTLED: LATE + ", rollback proven, stopped",
}


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_possible_where_the_table_says_so_and_nowhere_else(
    phase: Phase, name: str
) -> None:
    drive = at(phase)
    before = drive.state
    if name in POSSIBLE[phase].split(", "):
        drive.tell(EVENTS[name])
        return
    with pytest.raises(IllegalEventError, match=f"while it is {phase}"):
        drive.tell(EVENTS[name])
    assert drive.state == before


@pytest.mark.parametrize("phase", [Phase.PINNED, Phase.STEPPING, Phase.BAKING])
def test_the_share_that_was_ordered_is_taken_once(phase: Phase) -> None:
    drive = at(phase)
    assert drive.state.ordered_share is None
    with pytest.raises(IllegalEventError):
        drive.apply_share()


@pytest.mark.parametrize("phase", list(Phase))
def test_whoever_takes_over_ends_a_change_with_the_last_good_version_or_finishes_it(
    phase: Phase,
) -> None:
    drive = at(phase)
    drive.tell(events.GuardRestarted())
    match phase:
        case Phase.SETTLED:
            assert drive.actions == (actions.Settle(drive.state.result),)
        case Phase.DRAINING:
            assert drive.actions == (actions.MarkGood(), actions.StopReplaced())
            assert drive.tell(events.ReplicasStopped()).state.verdict is Verdict.PROMOTED
        case Phase.APPROVING:
            assert (drive.actions, drive.state.verdict) == ((), None)
        case _:
            assert drive.actions == (actions.WithdrawCanary(),)
            assert drive.state.verdict is Verdict.ROLLED_BACK


def test_a_restart_keeps_a_verdict_that_was_reached() -> None:
    drive = at(Phase.STEPPING).tell(events.EdgeFailed("no")).tell(events.CanaryWithdrawn())
    drive.tell(events.GuardRestarted())
    assert drive.actions == (actions.WithdrawCanary(),)
    assert drive.state.verdict is Verdict.HELD
    assert "guard_restarted" not in [reason.code for reason in drive.state.reasons]


def test_a_restart_while_refused_candidates_stop_stops_them_again() -> None:
    drive = at(Phase.REHEARSING).tell(events.Rehearsed(passed=False))
    drive.tell(events.GuardRestarted())
    assert drive.actions == (actions.StopCandidates(),)
    assert drive.tell(events.ReplicasStopped()).state.verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("phase", "known"),
    [
        (Phase.REHEARSING, True),
        (Phase.PINNED, True),
        (Phase.STEPPING, False),
        (Phase.BAKING, False),
        # The last requests before the withdrawal are counted a moment after it.
        (Phase.STOPPING, False),
        (Phase.DRAINING, True),
    ],
)
def test_after_a_restart_the_users_affected_are_known_only_where_nothing_was_missed(
    phase: Phase, known: bool
) -> None:
    drive = at(phase).tell(events.GuardRestarted())
    assert (drive.state.result.users_affected is not None) == known


def test_a_share_that_was_ordered_and_never_confirmed_may_have_been_met_by_users() -> None:
    drive = at(Phase.PINNED).run_journeys()
    assert (drive.state.share, drive.state.ordered_share) == (0.0, 0.1)
    assert drive.tell(events.GuardRestarted()).state.result.users_affected is None


def test_a_restart_after_a_reboot_leaves_out_the_time_in_between() -> None:
    drive = at(Phase.STEPPING)
    elapsed = drive.state.result.seconds
    drive.now = 3.0
    drive.tell(events.GuardRestarted())
    assert drive.state.result.seconds == pytest.approx(elapsed)
    drive.tell(events.CanaryWithdrawn(), events.ReplicasStopped(), after=2.0)
    drive.tell(events.ProofRun("rollback", passed=True))
    assert drive.state.result.seconds == pytest.approx(elapsed + 2.0)


def test_time_never_goes_backwards_within_one_guard() -> None:
    drive = at(Phase.STEPPING).tell(events.Tick(), after=5.0)
    drive.tell(events.Tick(), after=-3.0)
    assert drive.state.seen == drive.now + 3.0


TELLABLE = st.one_of(
    st.sampled_from(sorted(EVENTS)).map(EVENTS.__getitem__),
    st.sampled_from(["rollback", "promote", "pause", "resume"]).map(
        lambda kind: events.Command(kind, "alice")
    ),
    st.builds(events.Approved, st.sampled_from(["ada", "bob"]), st.sampled_from(["s-1", "s-2"])),
    st.just(events.GuardRestarted()),
)
BEGINNINGS = [stage for stage in Stage if stage not in (Stage.APPROVE, Stage.GOOD)]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.sampled_from(BEGINNINGS),
    st.sampled_from([None, "it must go out"]),
    st.booleans(),
    st.lists(st.tuples(TELLABLE, st.sampled_from([0.0, 0.5, 11.0])), max_size=60),
)
def test_whatever_happens_the_promises_hold(
    from_stage: Stage,
    force_reason: str | None,
    required: bool,
    told: list[tuple[events.Event, float]],
) -> None:
    approval = replace(NEEDED, required=required)
    drive = Drive(from_stage=from_stage, force_reason=force_reason, approval=approval)
    verdict = None
    for chosen, seconds in told:
        ordered = events.EdgeApplied(drive.state.ordered_share or 0.0)
        event = ordered if chosen == EVENTS["share ordered"] else chosen
        was_settled = drive.state.settled
        try:
            drive.tell(event, after=seconds)
        except (IllegalEventError, CommandRefusedError):
            continue
        assert verdict in (None, drive.state.verdict)
        verdict = drive.state.verdict
        if required and force_reason is None and actions.StartCandidates() in drive.taken:
            assert drive.state.approval.operator == "bob"
        if verdict is not None:
            assert not any(isinstance(a, actions.SetShare) for a in drive.actions)
        if was_settled:
            assert drive.state.settled
            assert all(isinstance(a, actions.Settle) for a in drive.actions)
        if drive.state.settled:
            assert drive.state.verdict is not None
        if not drive.state.exposed:
            assert not drive.state.counts_lost
