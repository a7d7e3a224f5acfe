"""The capacity as an operator measures it, and what `status` makes of it.

The tests go on where the one before stopped.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guarded.conftest import running_quick
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem, call_ostiary, free_port

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSystem, Path]]:
    """Return the system and its settings file."""
    with running_quick(tmp_path_factory.mktemp("capacity")) as both:
        yield both


@pytest.fixture(scope="module")
def guarded(running: tuple[RunningSystem, Path]) -> RunningSystem:
    return running[0]


@pytest.fixture(scope="module")
def quick_settings(running: tuple[RunningSystem, Path]) -> Path:
    return running[1]


def weights_alone(quick_settings: Path) -> Path:
    """Return a file with weights that need a capacity to be judged."""
    file = quick_settings.with_name("weights.toml")
    file.write_text(quick_settings.read_text() + "\n[edge]\nweights = [9, 1]\n")
    return file


def test_weights_that_nobody_can_judge_do_not_get_in(
    guarded: RunningSystem, quick_settings: Path
) -> None:
    file = weights_alone(quick_settings)
    refused = call_ostiary("change", "propose", "--config", str(file), "--wait", data=guarded.data)
    assert refused.returncode == 3
    assert "neither stated nor measured" in refused.stdout


def test_capacity_is_measured_and_shown_with_the_load(guarded: RunningSystem) -> None:
    before = guarded.status()["replicas"]
    assert {(each["capacity"], each["load"]) for each in before} == {(None, None)}

    measured = guarded.ostiary("bench", "capacity", "--seconds", "1")
    assert measured["snapshot"] == guarded.status()["last_good"]
    names = {each["name"] for each in before}
    assert {each["name"] for each in measured["replicas"]} == names
    assert measured["sign_ins_per_second"] > 0

    shown = guarded.status()["replicas"]
    assert {each["capacity"] for each in shown} == {measured["sign_ins_per_second"]}

    def loads() -> bool:
        rows = guarded.status()["replicas"]
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
    after = guarded.status()["replicas"]
    assert {each["snapshot"] for each in after} == {changed["snapshot"]}
    assert {each["capacity"] for each in after} == {measured["sign_ins_per_second"]}


def test_the_same_file_does_not_keep_a_guard_from_starting(
    guarded: RunningSystem, quick_settings: Path
) -> None:
    """What serves has its own settings."""
    assert call_ostiary("down", data=guarded.data).returncode == 0
    options = ["--config", str(weights_alone(quick_settings)), "--port", str(free_port())]
    up = call_ostiary("up", "--detach", *options, data=guarded.data)
    assert up.returncode == 0, up.stderr
