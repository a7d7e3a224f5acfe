"""`up --example` starts from a copy that belongs to the operator."""

import pytest

from ostiary.changes.checks import check_file
from ostiary.changes.configuration import load_configuration
from ostiary.cli.example import example_settings
from ostiary.kernel.errors import UsageError


def test_it_is_copied_whole_and_nothing_is_wrong_with_it(tmp_path):
    settings = example_settings(tmp_path / "data", None)

    assert check_file(settings) == ()
    orders = load_configuration(settings).snapshot_settings.services["orders"]
    assert orders.release == str(tmp_path / "data" / "example" / "service")
    assert sorted(orders.journeys) == ["for_clerks_only", "own_orders", "without_a_token"]
    program = tmp_path / "data" / "example" / "service" / "orders" / "__main__.py"
    assert program.is_file()


def test_a_copy_that_was_edited_is_kept(tmp_path):
    settings = example_settings(tmp_path / "data", None)
    settings.write_text(settings.read_text() + "# mine\n")
    assert example_settings(tmp_path / "data", None) == settings
    assert settings.read_text().endswith("# mine\n")


def test_a_copy_that_was_broken_off_is_made_again(tmp_path):
    data = tmp_path / "data"
    settings = example_settings(data, None)
    settings.parent.rename(data / ".example.unfinished")
    (data / ".example.unfinished" / "ostiary.toml").unlink()
    assert check_file(example_settings(data, None)) == ()
    assert not (data / ".example.unfinished").exists()


def test_it_goes_with_no_other_settings_file_and_into_no_other_directory(tmp_path):
    with pytest.raises(UsageError) as caught:
        example_settings(tmp_path / "data", tmp_path / "ostiary.toml")
    assert caught.value.code == "two_settings_files"
    assert not (tmp_path / "data").exists()

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(UsageError):
        example_settings(tmp_path / "photos", None)
    assert [each.name for each in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
