from ostiary.changes.common_mode import NOTHING_COMMON, CommonMode
from ostiary.changes.evidence import ArmCounts, StratumWindow


def after(state: CommonMode, windows: int, canary: ArmCounts, control: ArmCounts) -> CommonMode:
    for _ in range(windows):
        state = state.update([StratumWindow("token", canary, control)])
    return state


HEALTHY = after(NOTHING_COMMON, 40, ArmCounts(5), ArmCounts(5))


def test_a_jump_of_faults_in_both_arms_is_harm_in_both() -> None:
    assert after(HEALTHY, 4, ArmCounts(5, 4), ArmCounts(5, 5)).harmed


def test_a_jump_in_one_arm_is_for_the_evidence_to_judge() -> None:
    assert not after(HEALTHY, 9, ArmCounts(5, 5), ArmCounts(5)).harmed
    assert not after(HEALTHY, 9, ArmCounts(5), ArmCounts(5, 5)).harmed


def test_a_few_requests_are_not_enough() -> None:
    assert not after(NOTHING_COMMON, 3, ArmCounts(3, 3), ArmCounts(3, 3)).harmed


def test_what_was_always_so_is_no_jump() -> None:
    usual = after(NOTHING_COMMON, 200, ArmCounts(5, 1), ArmCounts(5, 1))
    assert not after(usual, 10, ArmCounts(5, 2), ArmCounts(5, 2)).harmed


def test_it_is_over_when_the_last_five_seconds_are_well() -> None:
    harmed = after(HEALTHY, 4, ArmCounts(5, 5), ArmCounts(5, 5))
    assert not after(harmed, 10, ArmCounts(5), ArmCounts(5)).harmed
