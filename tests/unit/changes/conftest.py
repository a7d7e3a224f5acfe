"""What tests of the rules share."""

import pytest

from ostiary.changes.checks import check_file


@pytest.fixture
def check(tmp_path):
    def check(text):
        file = tmp_path / "ostiary.toml"
        file.write_text(text)
        return check_file(file)

    return check
