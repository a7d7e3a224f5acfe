"""How long `ostiary up` takes until it is ready: from the start of the command to its answer.

Each round has a data directory of its own, so that nothing is there yet: the store is made, keys
are made, replicas and Envoys start. The second start on the same directory is measured as well.

Run: .venv/bin/python bench/start_time.py [--rounds N]
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _measured import spread

LIMIT_SECONDS = 5.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "ostiary.cli", *arguments, "--json"]


def start(data: Path) -> float:
    """Return the seconds until the command says that the system is ready."""
    arguments = command("up", "--detach", "--data", str(data), "--port", str(free_port()))
    began = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=data.parent, text=True)
    answer, _ = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0 or "issuer" not in json.loads(answer):
        raise SystemExit(f"The system did not come up: {answer}")
    return seconds


def stop(data: Path) -> None:
    subprocess.run(command("down", "--data", str(data)), capture_output=True, check=True)


def measure() -> tuple[float, float]:
    """Return the seconds of a first and of a second start on one data directory."""
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as directory:
        data = Path(directory) / "data"
        seconds = []
        for _ in range(2):
            try:
                seconds.append(start(data))
            finally:
                stop(data)
    return seconds[0], seconds[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    times = [measure() for _ in range(options.rounds)]
    for name, seconds in zip(
        ("first start: ", "second start:"), zip(*times, strict=True), strict=True
    ):
        ratios = [each / LIMIT_SECONDS for each in seconds]
        print(f"{name} {spread(seconds)} s, limit {LIMIT_SECONDS:.0f} s; ratio {spread(ratios)}")
    print(f"{len(times)} rounds, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
