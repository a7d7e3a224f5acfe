"""Command line: `python -m ostiary.identity.maintenance COMMAND`, one request on standard input.

The request is one line of JSON, because arguments and environment can be read by others; see
`commands` for what each one takes. `dump` writes lines to standard output, `load` reads them behind
its request; every other command answers with one line of JSON. A problem is one line of JSON on
standard error.
"""

import importlib
import json
import sys

from ostiary.kernel.errors import OstiaryError

_COMMANDS = frozenset(
    {"copy", "describe", "drop", "dump", "load", "migrate", "needs", "revision", "seal"}
)
_REQUEST_CHARACTERS_MAX = 65_536


def main() -> int:
    """Do what the first argument says; return 0, or the exit code of the problem."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in _COMMANDS:
        sys.stderr.write(f"There is no command {name!r}; there are {', '.join(sorted(_COMMANDS))}.")
        return 2
    try:
        request = json.loads(sys.stdin.readline(_REQUEST_CHARACTERS_MAX))
        answer = importlib.import_module(f"{__package__}.commands.{name}").run(request)
    except OstiaryError as error:
        problem = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "detail": error.detail,
            "exit_code": int(error.exit_code),
        }
        sys.stderr.write(json.dumps(problem) + "\n")
        return int(error.exit_code)
    if answer is not None:
        sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
