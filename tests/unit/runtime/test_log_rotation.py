"""Logs are cut under their writers, who go on."""

from pathlib import Path

from ostiary.runtime.log_rotation import rotate


def test_a_log_that_is_small_enough_stays(tmp_path: Path):
    log = tmp_path / "a.log"
    assert not rotate(log, bytes_max=3)
    log.write_text("abc")
    assert not rotate(log, bytes_max=3)
    assert log.read_text() == "abc"


def test_a_writer_goes_on_in_the_cut_log_and_the_last_part_is_kept(tmp_path: Path):
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        for part in (b"first part", b"second part"):
            writer.write(part)
            assert rotate(log, bytes_max=3)
            assert log.stat().st_size == 0
        writer.write(b"end")
    assert log.read_text() == "end"
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.log", "a.log.1"]
    assert (tmp_path / "a.log.1").read_text() == "second part"


def test_on_a_full_disk_the_log_is_cut_without_a_copy(tmp_path: Path):
    log = tmp_path / "a.log"
    log.write_text("too long")
    (tmp_path / ".a.log.1").symlink_to("/dev/full")
    assert rotate(log, bytes_max=3)
    assert log.read_text() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]
