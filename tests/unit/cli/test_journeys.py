"""What people see of a run of their own journeys."""

import io

from rich.console import Console

from ostiary.cli.journeys import _show

NOTHING = dict.fromkeys(("passed", "came", "expected", "request_id", "seconds"))
RESULT = {
    "passed": False,
    "journeys": [
        {
            "journey": "partner_login",
            "passed": False,
            "steps": [
                {
                    **NOTHING,
                    "step": "token",
                    "passed": True,
                    "came": "HTTP 200, body {[red]}",
                    "seconds": 0.0142,
                },
                {
                    "step": "use",
                    "passed": False,
                    "came": "HTTP 401",
                    "expected": "HTTP 200",
                    "request_id": "r-1",
                    "seconds": 0.003,
                },
                {**NOTHING, "step": "refused"},
            ],
        }
    ],
}


def test_every_step_is_shown_with_what_it_expected_and_what_came():
    console = Console(file=io.StringIO(), width=100)
    _show(console, RESULT)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines == [
        "partner_login failed",
        "  passed      token  14 ms",
        "              HTTP 200, body {[red]}",
        "  failed      use  3 ms",
        "              expected  HTTP 200",
        "              came      HTTP 401",
        "              request   r-1",
        "  not reached refused",
    ]
