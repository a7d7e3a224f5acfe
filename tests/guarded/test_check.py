"""`ostiary check` beside a running system: the guard adds what only it can know."""

import json

import pytest

from tests.system import call_ostiary

pytestmark = pytest.mark.system


def test_a_file_is_compared_with_what_is_served(running_system, tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\nthreads = 5\n")

    result = call_ostiary("check", str(file), data=running_system.data)

    last_good = running_system.status()["last_good"]
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["problems"] == []
    assert f"compared with the last good snapshot {last_good}" in result.stderr


def test_a_wrong_file_is_refused_once_and_changes_nothing(running_system, tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("[guard]\nsteps = [1, 50]\n")
    changes = running_system.ostiary("change", "list")

    result = call_ostiary("check", str(file), data=running_system.data)

    (problem,) = json.loads(result.stdout)["problems"]
    assert result.returncode == 3
    assert (problem["file"], problem["line"]) == (str(file), 2)
    assert problem["code"] == "steps_not_rising_to_100"
    assert running_system.ostiary("change", "list") == changes
