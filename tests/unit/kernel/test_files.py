"""Files are removed where that can be, and on disk when it is said that they are."""

import errno
from pathlib import Path

import pytest

from ostiary.kernel.files import remove, sync_file_system


def refusing(number: int):
    def unlink(_path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(number, "refused", str(missing_ok))

    return unlink


def test_a_file_is_removed_whether_it_is_there_or_not(tmp_path: Path) -> None:
    file = tmp_path / "record"
    file.write_text("{}")
    for _ in range(2):
        remove(file)
        assert not file.exists()


def test_on_a_read_only_file_system_it_stays_and_nothing_else_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "unlink", refusing(errno.EROFS))
    remove(tmp_path / "record")
    monkeypatch.setattr(Path, "unlink", refusing(errno.EACCES))
    with pytest.raises(PermissionError):
        remove(tmp_path / "record")


def test_the_file_system_of_a_directory_is_flushed_and_that_of_none_is_an_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("content")
    sync_file_system(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_file_system(tmp_path / "missing")
    with pytest.raises(NotADirectoryError):
        sync_file_system(tmp_path / "file")
