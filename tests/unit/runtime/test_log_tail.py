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


def about(tmp_path, content, request_id="j-0123456789abcdef01234567", secrets=()):
    log = tmp_path / "x.log"
    log.write_bytes(content)
    return log_tail(log, 3, secrets=secrets, about=request_id)


def test_lines_about_a_request_are_found_far_from_the_end(tmp_path):
    wanted = b'{"request_id": "j-0123456789abcdef01234567", "event": "bug"}\n'
    others = b'{"request_id": "j-7654321089abcdef01234567"}\n' * 10_000

    shown = about(tmp_path, wanted + others)

    assert shown == ['{"request_id": "j-0123456789abcdef01234567", "event": "bug"}']
    assert about(tmp_path, others) == []


def test_of_a_long_line_the_last_words_of_a_traceback_remain(tmp_path):
    trace = "Traceback\\n" + '  File \\"endpoint.py\\", line 7, in on_post\\n' * 50
    line = f'{{"request_id": "j-0123456789abcdef01234567", "exception": "{trace}KeyError: 1"}}'

    (shown,) = about(tmp_path, line.encode())

    assert len(shown) == 500
    assert shown.startswith('{"request_id": "j-0123456789abcdef01234567"')
    assert shown.endswith('in on_post\\nKeyError: 1"}')


def test_what_looks_random_is_hidden_in_lines_about_a_request_and_names_stay(tmp_path):
    secret, token = "dGhpcyBpcyBhIHNlY3JldCB0aGF0IGlz", "eyJhbGciOiJFUzI1NiIsImtpZCI6.eyJpc3M"
    line = (
        f"j-0123456789abcdef01234567 validate_authorization_request_payload {secret} {token} "
        "TemporarilyUnavailableError admin-secret"
    )

    (shown,) = about(tmp_path, line.encode(), secrets={"admin-secret"})

    assert shown == (
        "j-0123456789abcdef01234567 validate_authorization_request_payload *** ***.eyJpc3M "
        "TemporarilyUnavailableError ***"
    )
