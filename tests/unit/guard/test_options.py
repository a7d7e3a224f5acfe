"""How a guard is started: given, else recorded, else the defaults."""

from pathlib import Path

import pytest

from ostiary.guard.options import GuardOptions
from ostiary.kernel.errors import UsageError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_defaults_stand_where_nothing_was_given(data):
    options = GuardOptions.combine(data)
    assert options.port is None
    assert options.database_url == f"sqlite:///{data}/identity.db"
    assert options.config is None


def test_what_was_recorded_is_used_again_until_something_else_is_given(data):
    GuardOptions.combine(data, port=9000, database="postgresql://u:secret@h/d").record()
    again = GuardOptions.combine(data)
    assert (again.port, again.database_url) == (9000, "postgresql://u:secret@h/d")
    assert GuardOptions.combine(data, port=9001).port == 9001


def test_the_database_url_is_in_no_text_and_in_no_file_of_others(data):
    options = GuardOptions.combine(data, database="postgresql://u:secret@h/d")
    options.record()
    assert "secret" not in repr(options)
    assert (data / "guard.options.json").stat().st_mode & 0o077 == 0


def test_a_settings_file_that_was_only_found_is_looked_for_anew(data):
    found = data.parent / "ostiary.toml"
    found.write_text("")
    GuardOptions.combine(data).record()
    assert GuardOptions.recorded(data).config == found
    found.unlink()
    assert GuardOptions.combine(data).config is None


def test_a_settings_file_that_was_named_is_kept_whatever_lies_about(data):
    named = data.parent / "named.toml"
    GuardOptions.combine(data, config=named).record()
    (data.parent / "ostiary.toml").write_text("")
    assert GuardOptions.combine(data).config == named


def test_a_request_counts_once_and_only_when_its_guard_has_started(data):
    GuardOptions.combine(data, port=9000).record()
    GuardOptions.combine(data, port=9500).request()
    assert GuardOptions.requested(data).port == 9500
    assert GuardOptions.recorded(data).port == 9000
    GuardOptions.requested(data).record()
    assert GuardOptions.recorded(data).port == 9500
    assert not (data / "guard.request.json").exists()


def test_another_port_or_database_differs_in_launch_another_envoy_does_not(data):
    def differs(**given) -> bool:
        return GuardOptions.combine(data, **given).differs_in_launch(
            GuardOptions.combine(data), settings_port=8000
        )

    assert differs(port=8001)
    assert differs(database="sqlite:////x")
    assert not differs(port=8000)
    assert not differs(envoy=Path("/bin/true"))


def test_recorded_options_that_cannot_be_read_are_told(data):
    (data / "guard.options.json").write_text("{")
    with pytest.raises(UsageError, match=r"guard\.options\.json"):
        GuardOptions.combine(data)
