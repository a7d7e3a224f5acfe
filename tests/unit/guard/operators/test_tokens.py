"""Tokens are random, kept as digests, and read only from files that nobody else can read."""

import os

import pytest

from ostiary.guard.operators.tokens import digest_of, draw_token, read_token
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from tests.other_users import give_to

TOKEN = draw_token(SystemRandom())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


def refused(path):
    with pytest.raises(UsageError) as caught:
        read_token(path)
    assert TOKEN not in str(caught.value)
    assert caught.value.hint
    return caught.value


def test_two_tokens_differ_and_their_digests_tell_nothing():
    other = draw_token(SystemRandom())
    assert other != TOKEN
    assert len(digest_of(TOKEN)) == 64
    assert digest_of(TOKEN) == digest_of(TOKEN) != digest_of(other)


def test_a_token_is_read_from_a_private_file(file):
    assert read_token(file) == TOKEN


def test_a_group_may_read_only_what_root_has_mounted_for_it(file):
    file.chmod(0o440)
    if file.stat().st_uid == 0:
        assert read_token(file, by_group=True) == TOKEN
    else:
        with pytest.raises(UsageError):
            read_token(file, by_group=True)
    for mode in (0o444, 0o460, 0o450):
        file.chmod(mode)
        with pytest.raises(UsageError):
            read_token(file, by_group=True)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_read_or_write_is_refused(file, mode):
    file.chmod(mode)
    problem = refused(file)
    assert problem.code == "token_file_open"
    assert f"{mode:04o}" in problem.message
    assert f"chmod 600 {file}" in problem.hint


@pytest.mark.parametrize("content", [b"", b"two words", b"short", b"a" * 2000, b"\xff\xfe\x00" * 9])
def test_a_file_that_holds_something_else_is_refused(file, content):
    file.write_bytes(content)
    assert refused(file).code == "token_file_malformed"


def test_a_file_that_is_missing_is_told(tmp_path):
    assert refused(tmp_path / "none").code == "token_file_unreadable"
    assert refused(tmp_path).code == "token_file_unreadable"


def test_a_pipe_that_nobody_writes_to_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refused(tmp_path / "pipe").code == "token_file_no_file"


@pytest.mark.users
def test_a_file_of_another_user_is_refused(file):
    give_to(1001, file)
    # Only root can read it at all.
    assert refused(file).code in {"token_file_foreign", "token_file_unreadable"}
