"""The files that people most plausibly get wrong, each with exactly what they are told.

The files stand in `wrong_files`, their messages in `wrong_files/expected.json`. A problem has file,
line where there is one, key where there is one, what is wrong, and what to write. `python -m
tests.unit.changes.test_wrong_files` writes the messages anew, to be read before they are kept.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from ostiary.changes.checks import check_file
from ostiary.kernel.errors import ExitCode, UsageError

FILES = Path(__file__).parent / "wrong_files"
EXPECTED = FILES / "expected.json"
NAMES = sorted(path.stem for path in FILES.glob("*.toml"))


def found_in(name: str) -> list[dict[str, object]]:
    problems = [asdict(problem) for problem in check_file(FILES / f"{name}.toml")]
    for problem in problems:
        assert problem.pop("file") == str(FILES / f"{name}.toml")
    return problems


def test_every_file_has_its_messages_and_every_message_its_file():
    assert sorted(json.loads(EXPECTED.read_text())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_file_is_told_exactly(name):
    problems = found_in(name)

    assert problems == json.loads(EXPECTED.read_text())[name]
    assert problems
    for problem in problems:
        assert problem["message"]
        assert problem["hint"]
        assert problem["line"] or problem["key"]
        assert "hunter22" not in json.dumps(problem)


def told(path: Path) -> tuple[object, ...]:
    (problem,) = check_file(path)
    assert problem.file == str(path)
    return problem.line, problem.key, problem.code, problem.message, problem.hint


def test_five_megabytes(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(b"threads = 4\n" * (5 * 1024 * 1024 // 12))

    assert told(file) == (
        None,
        None,
        "file_too_large",
        "The file is larger than 1048576 bytes; this is no settings file.",
        "Name the file that `ostiary up --config` was given.",
    )


def test_not_utf8(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(b"[identity]\naudience = 'M\xfcller'\n")

    assert told(file) == (
        2,
        None,
        "not_utf8",
        "The byte 0xfc is not UTF-8.",
        "Save the file as UTF-8.",
    )


def test_utf16(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\nthreads = 4\n", encoding="utf-16")

    assert told(file) == (
        1,
        None,
        "not_utf8",
        "The file is UTF-16, not UTF-8.",
        "Save the file as UTF-8.",
    )


def test_no_break_space(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\nthreads\u00a0= 4\n", encoding="utf-8")

    assert told(file) == (
        2,
        None,
        "toml_syntax",
        "This is no TOML: Expected '=' after a key in a key/value pair (at column 8).",
        "The line holds an invisible character (no-break space, U+00A0); remove it.",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf[identity]\nthreads = 0\n",
        b"[identity]\r\nthreads = 0\r\n",
        b"[identity]\n\tthreads\t=\t0\n",
    ],
    ids=["byte order mark", "windows line ends", "tabs"],
)
def test_what_is_only_unusual_is_read_and_its_problems_keep_their_line(tmp_path, content):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(content)

    assert told(file) == (
        2,
        "identity.threads",
        "wrong_value",
        "`identity.threads` is `0`; it must be greater than or equal to 1.",
        "Allowed: at least 1, at most 64 (threads).",
    )


def refused(path: Path) -> tuple[str, str, str]:
    with pytest.raises(UsageError) as caught:
        check_file(path)
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value.code, caught.value.message, caught.value.hint


def test_a_directory(tmp_path):
    assert refused(tmp_path) == ("not_a_file", f"{tmp_path} is not a file.", "Name a TOML file.")


def test_a_pipe_that_nobody_writes_to(tmp_path):
    pipe = tmp_path / "ostiary.toml"
    os.mkfifo(pipe)

    assert refused(pipe) == ("not_a_file", f"{pipe} is not a file.", "Name a TOML file.")


def test_a_missing_file(tmp_path):
    file = tmp_path / "ostiary.toml"

    assert refused(file) == (
        "file_not_found",
        f"There is no settings file {file}.",
        "Check the path.",
    )


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be a user without rights where the tests run as one who may read everything."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_file_without_permission(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text("")
    file.chmod(0)

    with somebody_else():
        told = refused(file)

    assert told == (
        "file_not_readable",
        f"The settings file {file} cannot be read: Permission denied.",
        "Make it readable for the user who runs this, or name another file.",
    )


if __name__ == "__main__":
    content = {name: found_in(name) for name in NAMES}
    EXPECTED.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
