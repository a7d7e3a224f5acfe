"""A short run of the kill matrix on a real system; `make soak` is the long one."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.matrix.__main__ import show_report
from tests.matrix.planning import Action, Store, make_plan
from tests.matrix.run import run_plan

SEED = int(os.environ.get("OSTIARY_MATRIX_SEED", "205"))
SECONDS = 24.0
FAULTS = 6
RATE = 4.0


def test_the_short_run_has_faults_of_every_kind() -> None:
    plan = make_plan(205, SECONDS, store=Store.POSTGRESQL, count=FAULTS)
    hit = {fault.target.partition("-")[0] for fault in plan.faults}
    assert hit == {"guard", "envoy", "replica", "database"}
    assert {Action.KILL, Action.PAUSE} <= {fault.action for fault in plan.faults}
    assert plan.change_at is not None


@pytest.mark.system
@pytest.mark.postgres
@pytest.mark.alone
def test_the_promises_hold_while_everything_is_killed_and_paused(tmp_path: Path) -> None:
    plan = make_plan(SEED, SECONDS, store=Store.POSTGRESQL, count=FAULTS)
    report = asyncio.run(run_plan(plan, tmp_path, rate=RATE, tell=print))
    show_report(report)
    replay = f"--seed {SEED} --seconds {SECONDS:g} --faults {FAULTS} --rate {RATE:g}"
    assert report.broken == [], f'make soak ARGS="--store postgresql {replay}"'
