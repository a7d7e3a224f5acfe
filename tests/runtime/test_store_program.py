"""Programs of releases: bounded, and shown without what they should not have said."""

import asyncio
import sys
from pathlib import Path

import pytest

from ostiary.kernel.processes import ProcessRecord, is_alive
from ostiary.runtime.store_program import StoreProgram, StoreProgramError, ask

SECRET = "postgresql://ostiary:tops3cret@db.example/ostiary"


@pytest.fixture
def program(tmp_path: Path):
    """Return a function that makes a release's program of a few lines."""

    def make(text: str) -> StoreProgram:
        package = tmp_path / "ostiary" / "identity"
        package.mkdir(parents=True)
        for directory in (tmp_path / "ostiary", package):
            (directory / "__init__.py").touch()
        (package / "maintenance.py").write_text(f"import os, subprocess, sys, time\n{text}\n")
        environment = {"PYTHONPATH": str(tmp_path)}
        return StoreProgram("Release abc", Path(sys.executable), environment, tmp_path)

    return make


def asked(program: StoreProgram, *, seconds_max: float = 20.0) -> dict:
    return asyncio.run(ask(program, "tell", {"database_url": SECRET}, seconds_max=seconds_max))


def test_the_last_line_of_what_is_printed_is_the_answer(program):
    text = 'print("loading")\nprint("{\\"command\\": \\"%s\\"}" % sys.argv[1])'
    assert asked(program(text)) == {"command": "tell"}


def test_this_guards_own_program_tells_its_revision():
    answer = asyncio.run(ask(StoreProgram.own(), "revision", {}, seconds_max=20))
    assert answer["revision"] >= "0004"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('print("[1, 2]")', "store_program_rubbish", "[1, 2]"),
        ('print("{" * 100_000)', "store_program_rubbish", "{{{"),
        ("", "store_program_rubbish", "nothing"),
        ('sys.exit("\\x1b[31mgone")', "store_program_failed", "?[31mgone"),
        ("sys.exit(sys.stdin.readline())", "store_program_failed", "***@db.example"),
        ("os.close(0); sys.exit(3)", "store_program_failed", "it said nothing"),
        (
            'sys.exit(\'{"code": "disk_full", "message": "No room.", "hint": "Make some."}\')',
            "disk_full",
            "No room. Make some.",
        ),
        (
            'sys.exit(\'{"code": "A\\\\u0000", "message": 1, "hint": 2}\')',
            "store_program_failed",
            "message",
        ),
        (
            'sys.exit(\'{"code": "store_unavailable", "message": "", "hint": "", "detail": "x"}\')',
            "store_unavailable",
            "cannot be used: x.",
        ),
    ],
)
def test_what_is_no_answer_is_refused_in_plain_words(program, text, code, words):
    with pytest.raises(StoreProgramError) as raised:
        asked(program(text))
    assert (raised.value.code, words in str(raised.value)) == (code, True), str(raised.value)
    assert "tops3cret" not in str(raised.value)


def test_a_program_that_does_not_end_is_ended_with_its_children(program, tmp_path):
    text = (
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])\n'
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )
    started: list[ProcessRecord] = []
    asking = ask(program(text), "tell", {}, seconds_max=2.0, started=started.append)
    with pytest.raises(StoreProgramError, match="more than 2 s"):
        asyncio.run(asking)
    assert not is_alive(started[0])
    child = int((tmp_path / "pid").read_text())
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_output_without_end_fills_no_memory_and_is_refused(program):
    with pytest.raises(StoreProgramError) as raised:
        asked(program('print("x" * 5_000_000)'))
    assert len(str(raised.value)) < 1000
