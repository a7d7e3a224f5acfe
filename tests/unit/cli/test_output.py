"""Results on terminals that do not have every character."""

import json
import os
import subprocess
import sys

import pytest

PRINT = """
from ostiary.cli.output import Output
Output(as_json={0}).result({{"text": "a → b"}}, lambda console, value: console.print(value["text"]))
"""


@pytest.mark.parametrize(
    ("encoding", "as_json", "written"),
    [
        ("utf-8", False, "a → b\n".encode()),
        ("ascii", False, b"a ? b\n"),
        ("latin-1", False, b"a ? b\n"),
        ("utf-8", True, '{"text": "a → b"}\n'.encode()),
        ("ascii", True, b'{"text": "a \\u2192 b"}\n'),
    ],
)
def test_what_cannot_be_written_breaks_nothing(encoding, as_json, written):
    done = subprocess.run(
        [sys.executable, "-c", PRINT.format(as_json)],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert done.stdout == written
    if as_json:
        assert json.loads(done.stdout.decode(encoding)) == {"text": "a → b"}
