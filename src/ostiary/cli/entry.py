"""The command `ostiary`, where it may be that only the part for applications is installed.

`pip install ostiary` brings `ostiary.verify` and what that needs; the login service and its
commands need more.
"""

import sys

_USAGE = 2


def main() -> None:
    """Run the command line, or say in one line what to install."""
    try:
        from ostiary.cli.main import main as run  # noqa: PLC0415 - it may not be importable
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "ostiary":
            raise
        print(  # noqa: T201 - there is nothing else to print with
            f"ostiary: {missing.name} is not installed; the login service and its commands need"
            " more than ostiary.verify: pip install 'ostiary[server]'",
            file=sys.stderr,
        )
        sys.exit(_USAGE)
    run()
