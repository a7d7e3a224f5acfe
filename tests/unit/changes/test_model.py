import pytest

from ostiary.changes.model import ChangeResult, Stage, Verdict
from ostiary.kernel.errors import ExitCode


@pytest.mark.parametrize(
    ("stage", "verdict", "exit_code"),
    [
        (Stage.CHECK, Verdict.REFUSED, ExitCode.REFUSED),
        (Stage.REHEARSE, Verdict.REFUSED, ExitCode.REHEARSAL_FAILED),
        (Stage.CANARY, Verdict.ROLLED_BACK, ExitCode.ROLLED_BACK),
        (Stage.BAKE, Verdict.ROLLED_BACK, ExitCode.ROLLED_BACK),
        (Stage.CANARY, Verdict.HELD, ExitCode.HELD),
        (Stage.GOOD, Verdict.PROMOTED, ExitCode.DONE),
        (Stage.CANARY, None, ExitCode.DONE),
    ],
)
def test_the_verdict_and_its_stage_give_the_exit_code(
    stage: Stage, verdict: Verdict | None, exit_code: ExitCode
) -> None:
    result = ChangeResult(
        change="c-1",
        snapshot="s-1",
        stage=stage,
        verdict=verdict,
        reasons=(),
        users_affected=0,
        failed_attempts_hidden=0,
        seconds=1.0,
    )
    assert result.exit_code is exit_code
