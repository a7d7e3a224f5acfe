"""What is wrong in a scenario with a fault of a process, key or clock, or of traffic."""

import pytest

from ostiary.drills.preparing import first_settings
from ostiary.drills.scenarios.reading import read_scenario
from ostiary.kernel.settings import SettingsError
from tests.unit.drills.injection.places import order_of

SCENARIO = """\
title = "Ours"

[fault]
description = "It befalls."

[[fault.inject]]
{}

[expected]
affected = 0.5
"""


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('kind = "replica_kiled"', "did you mean `replica_killed`?"),
        ('kind = "replica_killed"\ncounts = 2', "did you mean `count`?"),
        ('kind = "replica_killed"\ncount = 0', "Allowed: at least 1, at most 8."),
        ('kind = "envoy_killed"\ncount = 3', "Allowed: at least 1, at most 2."),
        ('kind = "crash_loop"\nlives_seconds = -1', "Allowed: at least 0, at most 30."),
        ('kind = "memory_leak"\nmib_max = 100_000', "Allowed: at least 20, at most 600."),
        ('kind = "clock_skew"\nskew_seconds = 0', "a clock that is right is no fault"),
        ('kind = "clock_skew"\nskew_seconds = "ahead"', "For example `skew_seconds = 600`."),
        ('kind = "surge"\ntimes = 1', "Allowed: more than 1, at most 20."),
        ('kind = "stuffing"\nrate = 0', "Allowed: more than 0, at most 200."),
        ('kind = "brute_force"\nnetworks = 20_000', "Allowed: at least 1, at most 10000."),
        ('kind = "guard_killed"\nseconds = 500', "Allowed: at least 1, at most 120."),
    ],
)
def test_what_is_mistyped_is_told_with_file_and_line(tmp_path, written, told):
    (tmp_path / "ours.toml").write_text(SCENARIO.format(written))

    with pytest.raises(SettingsError) as refused:
        read_scenario(tmp_path / "ours.toml")
    (problem,) = map(str, refused.value.problems)
    assert "ours.toml:" in problem
    assert told in problem, problem


def test_keys_can_be_reached_in_a_file_only(tmp_path):
    server = '\n[topology]\ndatabase = "postgresql"\n'
    for kind in ("key_expired", "key_unknown"):
        (tmp_path / "ours.toml").write_text(SCENARIO.format(f'kind = "{kind}"') + server)
        with pytest.raises(SettingsError) as refused:
            read_scenario(tmp_path / "ours.toml")
        assert 'write `database = "sqlite"`' in str(refused.value.problems[0])


def test_a_system_in_which_memory_leaks_starts_with_the_limit_that_the_fault_needs():
    leak = {"kind": "memory_leak", "memory_max_mib": 200}

    assert first_settings(order_of(leak))["identity"]["memory_max_mib"] == 200
    assert "memory_max_mib" not in first_settings(order_of({"kind": "surge"}))["identity"]
