"""The end of a log is shown whole, short, and without what could harm."""

from ostiary.runtime.log_tail import log_tail


def tail(tmp_path, content, lines=3, secrets=()):
    log = tmp_path / "x.log"
    log.write_bytes(content)
    return log_tail(log, lines, secrets=secrets)


def test_the_last_lines_are_shown_in_order_without_empty_ones(tmp_path):
    assert tail(tmp_path, b"one\ntwo\n\nthree\n\nfour\n\n") == ["two", "three", "four"]


def test_a_line_that_is_not_finished_is_shown(tmp_path):
    assert tail(tmp_path, b"one\nunfini") == ["one", "unfini"]


def test_no_log_and_an_empty_log_have_no_lines(tmp_path):
    assert log_tail(tmp_path / "missing.log", 5, secrets=()) == []
    assert tail(tmp_path, b"") == []
    assert tail(tmp_path, b"one\n", lines=0) == []


def test_only_the_end_of_a_large_log_is_read(tmp_path):
    content = b"".join(b"line %d\n" % number for number in range(100_000))

    assert tail(tmp_path, content) == ["line 99997", "line 99998", "line 99999"]


def test_long_lines_are_cut_and_bad_bytes_and_control_characters_replaced(tmp_path):
    (line,) = tail(tmp_path, b"\x1b[31m\xff\x07" + b"x" * 2000)

    assert len(line) == 500
    assert line.isprintable()


def test_secrets_are_hidden(tmp_path):
    assert tail(tmp_path, b"token s3cr3t\n", secrets=["s3cr3t"]) == ["token ***"]
