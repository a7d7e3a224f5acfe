"""A drill in which nothing is proposed: faults befall a whole system, and are removed again.

One drill for all that such drills share. What each kind of fault does, and that it is removed,
tests/unit/drills/injection shows on the servers, files and replicas themselves.
"""

import json

import pytest

from tests.system import call_ostiary

pytestmark = [pytest.mark.system, pytest.mark.alone]

BEFALLEN = """\
title = "The database crashes while the network is slow"

[topology]
database = "postgresql"

[traffic]
rate = 4.0
visits_before = 10
seconds_after = 24.0

[fault]
description = "The server is gone for 3 s, and the edge is 20 ms away from its replicas."

[[fault.inject]]
kind = "network_delay"
milliseconds = 20
seconds = 1

[[fault.inject]]
kind = "database_stopped"
seconds = 3

[expected]
affected = 0.9
affected_guarded = 1.0
counted = "visits"
cause = "database"
"""


def test_faults_befall_a_system_and_are_removed_and_all_is_well_again(tmp_path):
    file, page = tmp_path / "befallen.toml", tmp_path / "page.html"
    file.write_text(BEFALLEN)
    options = ("--seed", "4", "--report", str(page))

    result = call_ostiary("drill", "run", str(file), *options, data=tmp_path / "unused")

    (drilled,) = json.loads(result.stdout)["drills"]
    assert not drilled["void"], (drilled, result.stderr)
    assert drilled["injected"] == ["network_delay", "database_stopped"]
    assert (drilled["stage"], drilled["verdict"]) == (None, None), "nothing is proposed"
    assert drilled["visits"]["failed"] > 0, drilled
    assert drilled["actions"]["wrong_yes"] == 0, drilled
    assert drilled["restored_after_s"] is not None, (drilled, result.stderr)
    assert (drilled["met"], result.returncode) == (True, 0), result.stderr
    assert "The database crashes while the network is slow" in page.read_text()
