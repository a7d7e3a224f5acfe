"""A known outage, replayed without a guard: what it did then, and does again.

Here runs the one that shows most in least time; `make drill` runs all of them in all ways, which
takes minutes. What is hidden behind the guard, and that nobody is affected there,
`tests/guarded/test_broken_releases.py` and `test_edge_changes.py` show.
"""

import json
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.system import call_ostiary

pytestmark = [pytest.mark.system, pytest.mark.alone]


def test_without_a_guard_an_upgrade_that_forgets_old_passwords_hits_three_quarters(tmp_path):
    options = ("--mode", "unguarded", "--seed", "1")

    def drill() -> tuple[CompletedProcess[str], dict[str, Any]]:
        result = call_ostiary("drill", "run", "seed-001", *options, data=tmp_path / "unused")
        (drilled,) = json.loads(result.stdout)["drills"]
        return result, drilled

    result, drilled = drill()
    if drilled["void"]:
        # The machine did not keep up with the users, so it has shown nothing: once more.
        result, drilled = drill()
    users = drilled["users"]
    assert not drilled["void"], (drilled, result.stderr)
    assert 0.65 <= users["affected"] / users["total"] <= 0.85, (drilled, result.stderr)
    assert drilled["outage"] == {"users_hit": 0.75, "minutes": 630}
    assert (drilled["met"], result.returncode) == (True, 0), result.stderr
