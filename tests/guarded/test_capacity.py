"""The capacity as an operator measures it, and what `status` makes of it."""

from pathlib import Path

import pytest

from tests.guarded.waiting import wait_for
from tests.system import RunningSystem, call_ostiary, free_port

pytestmark = pytest.mark.system


def test_capacity_is_measured_and_shown_with_the_load(guarded: RunningSystem) -> None:
    before = guarded.ostiary("status")["replicas"]
    assert {(each["capacity"], each["load"]) for each in before} == {(None, None)}

    measured = guarded.ostiary("bench", "capacity", "--seconds", "1")
    assert measured["snapshot"] == guarded.ostiary("status")["last_good"]
    names = {each["name"] for each in before}
    assert {each["name"] for each in measured["replicas"]} == names
    assert measured["sign_ins_per_second"] > 0

    shown = guarded.ostiary("status")["replicas"]
    assert {each["capacity"] for each in shown} == {measured["sign_ins_per_second"]}

    def loads() -> bool:
        rows = guarded.ostiary("status")["replicas"]
        return all(each["load"] is not None for each in rows)

    wait_for(loads, "the load")
    assert guarded.ostiary("user", "list")["users"] == [], "the probes are gone"


def test_a_change_that_alters_nothing_about_hashes_keeps_the_capacity(
    guarded: RunningSystem, quick_settings: Path
) -> None:
    measured = guarded.ostiary("bench", "capacity", "--seconds", "1")
    file = quick_settings.with_name("proposed.toml")
    file.write_text(quick_settings.read_text() + "\n[identity]\nsign_up = false\n")

    changed = guarded.ostiary("change", "propose", "--config", str(file), "--wait")

    assert changed["verdict"] == "promoted"
    after = guarded.ostiary("status")["replicas"]
    assert {each["snapshot"] for each in after} == {changed["snapshot"]}
    assert {each["capacity"] for each in after} == {measured["sign_ins_per_second"]}


def test_weights_that_nobody_can_judge_do_not_get_in(
    guarded: RunningSystem, quick_settings: Path
) -> None:
    file = quick_settings.with_name("proposed.toml")
    file.write_text(quick_settings.read_text() + "\n[edge]\nweights = [9, 1]\n")

    refused = call_ostiary("change", "propose", "--config", str(file), "--wait", data=guarded.data)

    assert refused.returncode == 3
    assert "neither stated nor measured" in refused.stdout
    # The same file must not keep a guard from starting: what serves has its own settings.
    assert call_ostiary("down", data=guarded.data).returncode == 0
    options = ["--config", str(file), "--port", str(free_port())]
    up = call_ostiary("up", "--detach", *options, data=guarded.data)
    assert up.returncode == 0, up.stderr
