"""Command line of one replica: `python -m ostiary.identity --config FILE`."""

import argparse
import sys
from pathlib import Path

from ostiary.identity.serving import configure_logging, serve
from ostiary.identity.settings_rules import load_checked
from ostiary.identity.wiring import build
from ostiary.kernel.errors import OstiaryError

_STORE_WAIT_SECONDS_MAX = 60.0


def main() -> int:
    """Run a replica; return 0 after an orderly stop, 3 when it refuses its configuration."""
    parser = argparse.ArgumentParser(prog="ostiary.identity", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the replica's JSON file")
    arguments = parser.parse_args()
    configure_logging()
    try:
        configuration = load_checked(arguments.config)
        identity = build(configuration, store_wait_seconds_max=_STORE_WAIT_SECONDS_MAX)
    except OstiaryError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the reason belongs in the log
        return int(error.exit_code)
    serve(configuration, identity)
    return 0


if __name__ == "__main__":
    sys.exit(main())
