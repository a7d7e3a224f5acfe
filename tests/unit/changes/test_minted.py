"""Which endings take back what was minted: those that are about it, and those that ask for it."""

from dataclasses import replace

import pytest

from ostiary.changes import actions, events
from ostiary.changes.balance import Balance
from ostiary.changes.errors import CommandRefusedError
from ostiary.changes.evidence import ArmCounts
from ostiary.changes.minted import minted_wrong
from ostiary.changes.model import Reason, Verdict
from ostiary.changes.state import Phase
from ostiary.changes.terms import Terms
from ostiary.watch.relying_party.errors import FailureKind
from tests.unit.changes.driving import BOTH_BROKEN, BROKEN, Drive, at, window

BALANCE = Balance(intended=(0.8, 0.2), former=(0.5, 0.5), alpha=0.001)


def journey(kind: FailureKind, stratum: str = "token") -> Reason:
    numbers = {"journey": "sign_in", "step": "token", "stratum": stratum, "kind": kind.value}
    return Reason("journey_failed", f"{kind} in {stratum}", numbers)


def failed(kind: FailureKind, stratum: str = "token") -> events.JourneysRun:
    reasons = (journey(FailureKind.FAULT, "page"), journey(kind, stratum))
    return events.JourneysRun(passed=False, failures=reasons, control_passed=True)


def revocations(drive: Drive) -> list[actions.RevokeMinted]:
    return [action for action in drive.taken if isinstance(action, actions.RevokeMinted)]


@pytest.mark.parametrize(
    ("kind", "stratum", "is_wrong"),
    [
        (FailureKind.WRONG_CONTENT, "token", True),
        (FailureKind.WRONG_CONTENT, "token.authorization_code", True),
        (FailureKind.GRANTED, "sign_in.password", True),
        (FailureKind.WRONG_CONTENT, "authorize", True),
        (FailureKind.GRANTED, "sign_in", True),
        (FailureKind.WRONG_IDENTITY, "userinfo", True),
        (FailureKind.WRONG_CONTENT, "page", False),
        (FailureKind.GRANTED, "introspect", False),
        (FailureKind.REFUSED, "token", False),
        (FailureKind.FAULT, "sign_in", False),
        (FailureKind.TIMEOUT, "token", False),
    ],
)
def test_a_reason_is_about_what_was_minted_by_its_kind_and_by_what_is_given_out_there(
    kind, stratum, is_wrong
) -> None:
    found = minted_wrong([journey(FailureKind.FAULT), journey(kind, stratum)])
    assert (found is not None) is is_wrong


@pytest.mark.parametrize("phase", [Phase.PINNED, Phase.STEPPING, Phase.BAKING])
def test_a_canary_rolled_back_for_wrong_tokens_loses_them_once_the_edge_has_confirmed(
    phase: Phase,
) -> None:
    drive = at(phase)
    for _ in range(2):
        if not drive.state.journeys.under_way:
            drive.tell(events.Tick(), after=5.0)
        drive.run_journeys(failed(FailureKind.WRONG_CONTENT))
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert drive.actions == (actions.WithdrawCanary(),), "the edge comes before everything"
    drive.tell(events.CanaryWithdrawn())
    assert drive.actions == (
        actions.StopCandidates(),
        actions.RunProof("rollback"),
        actions.RevokeMinted("wrong_content in token"),
    )


def test_a_candidate_refused_in_rehearsal_for_a_wrong_yes_loses_what_it_minted() -> None:
    drive = at(Phase.REHEARSING)
    drive.tell(events.Rehearsed(passed=False, failures=(journey(FailureKind.GRANTED),)))
    assert drive.actions == (actions.StopCandidates(), actions.RevokeMinted("granted in token"))


def test_a_promotion_taken_back_because_its_tokens_are_wrong_loses_them() -> None:
    drive = at(Phase.PROVING)
    wrong = (journey(FailureKind.WRONG_IDENTITY),)
    for _ in range(2):
        drive.tell(events.Tick(), after=1.1)
        drive.tell(events.ProofRun("promotion", passed=False, failures=wrong))
    drive.tell(events.CanaryWithdrawn())
    assert revocations(drive) == [actions.RevokeMinted("wrong_identity in token")]


def test_a_wrong_yes_that_the_evidence_shows_counts_where_it_weighs_most() -> None:
    refusing, accepting = ArmCounts(10, 0, 9, 0), ArmCounts(10)
    drive = at(Phase.STEPPING).until_decided(window(accepting, refusing, stratum="sign_in"))
    drive.tell(events.CanaryWithdrawn())
    assert len(revocations(drive)) == 1


@pytest.mark.parametrize(
    "end",
    [
        events.CanaryUnavailable("it died"),
        BROKEN,
        BOTH_BROKEN,
        events.Command("rollback", "ada", "wrong content is what I fear"),
        events.GuardRestarted(),
        events.EdgeFailed("no answer"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_end_that_says_nothing_about_what_was_minted_signs_nobody_out(end) -> None:
    drive = at(Phase.STEPPING)
    if not isinstance(end, events.WindowClosed):
        drive.tell(end)
    else:
        drive.until_decided(end)
    drive.tell(events.CanaryWithdrawn(), events.ReplicasStopped())
    drive.tell(events.ProofRun("rollback", passed=True))
    # Where both arms suffered, it is waited for whether users recover.
    drive.tell(events.Tick(), after=11.0)
    assert drive.state.settled
    assert revocations(drive) == []


def test_a_held_change_is_not_judged_and_so_nobody_is_signed_out() -> None:
    drive = at(Phase.STEPPING).until_decided(BOTH_BROKEN)
    assert drive.state.verdict is Verdict.HELD


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PINNED, Phase.STEPPING, Phase.BAKING])
def test_an_operator_can_order_it_with_the_rollback(phase: Phase) -> None:
    drive = at(phase).tell(events.Command("rollback", "ada", "the claims are wrong", revoke=True))
    drive.tell(events.CanaryWithdrawn())
    (action,) = revocations(drive)
    assert action.because == "ada ordered rollback: the claims are wrong"


@pytest.mark.parametrize("phase", [Phase.WITHDRAWING, Phase.STOPPING, Phase.SETTLED])
def test_a_guard_that_dies_on_the_way_is_followed_by_one_that_orders_it_again(
    phase: Phase,
) -> None:
    drive = at(Phase.STEPPING).tell(events.Command("rollback", "ada", revoke=True))
    if phase is not Phase.WITHDRAWING:
        drive.tell(events.CanaryWithdrawn())
    if phase is Phase.SETTLED:
        drive.tell(events.ReplicasStopped(), events.ProofRun("rollback", passed=True))
    drive.taken.clear()
    drive.tell(events.GuardRestarted())
    if phase is not Phase.SETTLED:
        drive.tell(events.CanaryWithdrawn())
    assert len(revocations(drive)) == 1


def test_a_guard_that_dies_while_a_refused_candidate_stops_is_followed_by_one_that_orders_it() -> (
    None
):
    drive = at(Phase.REHEARSING)
    drive.tell(events.Rehearsed(passed=False, failures=(journey(FailureKind.GRANTED),)))
    drive.taken.clear()
    assert len(revocations(drive.tell(events.GuardRestarted()))) == 1


def test_what_good_snapshots_mint_is_not_taken_back_with_a_change() -> None:
    order = events.Command("rollback", "ada", revoke=True)
    for options in ({"balance": BALANCE}, {}):
        drive = Drive(**options)  # type: ignore[arg-type]
        if not options:
            drive.state = replace(drive.state, terms=Terms(restores=True))
        with pytest.raises(CommandRefusedError) as refused:
            drive.tell(order)
        assert refused.value.code == "nothing_to_revoke"
        assert drive.tell(replace(order, revoke=False)).state.verdict is Verdict.ROLLED_BACK


def test_who_orders_it_too_late_is_told_how_it_can_still_be_done() -> None:
    drive = at(Phase.WITHDRAWING)
    with pytest.raises(CommandRefusedError) as refused:
        drive.tell(events.Command("rollback", "ada", revoke=True))
    assert "ostiary snapshot revoke s-1" in refused.value.hint
