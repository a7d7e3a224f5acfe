"""What `ostiary up` refuses: one clear message, the right exit code, nothing half-done."""

import json
import socket

import pytest

from tests.system import call_ostiary, free_port

pytestmark = pytest.mark.system


def refused(*arguments: str, data) -> tuple[int, dict[str, str]]:
    result = call_ostiary("up", "--detach", *arguments, data=data)
    return result.returncode, json.loads(result.stdout)["error"]


def test_an_unknown_setting_is_refused_with_the_nearest_right_name(tmp_path):
    config = tmp_path / "ostiary.toml"
    config.write_text("[identity]\nsesion_seconds = 60\n")
    code, error = refused("--config", str(config), data=tmp_path / "data")
    assert code == 3
    assert "session_seconds" in error["message"] + error["hint"]
    assert not (tmp_path / "data").exists()


def test_a_setting_of_the_wrong_type_is_refused_with_its_line(tmp_path):
    config = tmp_path / "ostiary.toml"
    config.write_text('[identity]\n\nreplicas = "two"\n')
    code, error = refused("--config", str(config), data=tmp_path / "data")
    assert code == 3
    assert "ostiary.toml:3" in error["message"]


def test_a_settings_file_that_is_missing_is_wrong_usage(tmp_path):
    code, error = refused("--config", str(tmp_path / "no.toml"), data=tmp_path / "data")
    assert code == 2
    assert "no.toml" in error["message"]


def test_a_taken_port_is_told_before_anything_is_left_behind(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        code, error = refused("--port", port, data=tmp_path / "data")
    assert code == 2
    assert port in error["message"]
    assert call_ostiary("down", data=tmp_path / "data").returncode == 6


def test_a_data_directory_of_a_newer_version_is_not_touched(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "layout.json").write_text('{"layout": 99, "written_by": "9.0.0"}')
    code, error = refused("--port", str(free_port()), data=data)
    assert code == 2
    assert "9.0.0" in error["message"]
    assert [path.name for path in data.iterdir()] == ["layout.json"]


def test_a_file_as_data_directory_is_wrong_usage(tmp_path):
    data = tmp_path / "data"
    data.write_text("a file")
    code, error = refused("--port", str(free_port()), data=data)
    assert code == 2
    assert str(data) in error["message"]


def test_commands_say_when_nothing_runs(tmp_path):
    for command in (["status"], ["down"], ["user", "list"], ["change", "list"]):
        result = call_ostiary(*command, data=tmp_path / "data")
        assert result.returncode == 6, command
        assert json.loads(result.stdout)["error"]["message"]


def test_a_second_up_on_the_same_data_directory_says_so(guarded):
    code, error = refused("--port", str(free_port()), data=guarded.data)
    assert code == 2
    assert error["code"] == "guard_already_runs"
