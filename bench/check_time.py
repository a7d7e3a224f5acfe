"""How long `ostiary check` takes on a settings file, as somebody's pipeline sees it: one process.

Nearly all of it is importing, so the same is measured for an import of pydantic alone, by which the
settings are typed: it says how quick this machine is at the moment, and what is left to Ostiary.

Run: .venv/bin/python bench/check_time.py [--rounds N]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _measured import spread

LIMIT_SECONDS = 0.5
SETTINGS = """\
[edge]
public_url = "https://login.example.com"

[identity]
access_token_seconds = 600
sign_up = false

[flags]
new_page = true

[guard]
steps = [5, 50, 100]
"""


def seconds(arguments: Sequence[str], directory: Path) -> float:
    """Return the seconds that a Python process takes; it must end without a problem."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-P", *arguments], cwd=directory, check=True, capture_output=True
    )
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as name:
        directory = Path(name)
        (directory / "ostiary.toml").write_text(SETTINGS)
        check = ["-m", "ostiary.cli", "check", "ostiary.toml", "--json"]
        seconds(check, directory)  # the first one may have to compile
        times = [seconds(check, directory) for _ in range(rounds)]
        imports = [seconds(["-c", "import pydantic.main"], directory) for _ in range(rounds)]
    ratios = [each / LIMIT_SECONDS for each in times]
    print(f"check:           {spread(times)} s, limit {LIMIT_SECONDS} s; ratio {spread(ratios)}")
    print(f"pydantic alone:  {spread(imports)} s")
    print(f"{rounds} rounds, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
