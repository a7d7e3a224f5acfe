"""How long a flip of a flag takes: from the proposal until every request gets the new value.

A real system with the default steps and the default rehearsal. The flag is one that the login
service reads itself: whether its sign-in page leads to sign-up. A client opens that page all the
time on new connections, so that it meets both Envoys. Measured is from the start of the command
`change propose` to the last answer with the old value. In each round the flag is flipped by a
percentage of 100, switched off by its kill switch, flipped again, and switched off by force; every
change is promoted before the next one is proposed, and each must find no harm.

Run: .venv/bin/python bench/flag_flip.py [--rounds N]
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from _measured import spread

from ostiary.drills.system import DrillSystem, running

LIMIT_SECONDS = 10.0
SECONDS_MAX = 60.0
PACE = "[guard]\nbake_seconds = 1.0\n"
FLIPPED = "[flags.sign_up_offered]\ndefault = true\nvariant = false\npercent = 100\n"
OFF = f"{FLIPPED}off = true\n"
FORCE = ("--force", "--reason", "a benchmark")
# What is proposed, with which options, and whether the page leads to sign-up afterwards.
ROUND = (
    ("flip", FLIPPED, (), False),
    ("kill switch", OFF, (), True),
    ("flip", FLIPPED, (), False),
    ("forced", OFF, FORCE, True),
)


@dataclass
class Visitor:
    """Opens the sign-in page all the time, and remembers when which value was last seen."""

    url: str
    last_seen: dict[bool, float] = field(default_factory=dict)
    failed: int = 0

    def visit(self) -> None:
        began = time.perf_counter()
        page = httpx.get(self.url, headers={"accept": "text/html"})
        if page.status_code != 200:
            self.failed += 1
            return
        self.last_seen['href="/sign-up' in page.text] = began


@contextmanager
def visiting(system: DrillSystem) -> Iterator[Visitor]:
    visitor, ended = Visitor(f"{system.issuer}/sign-in"), threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            visitor.visit()
            time.sleep(0.02)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield visitor
    finally:
        ended.set()
        thread.join()


def propose(system: DrillSystem, settings: str, options: tuple[str, ...]) -> None:
    file = system.data.with_name("proposed.toml")
    file.write_text(settings)
    command = [sys.executable, "-P", "-m", "ostiary.cli", "change", "propose"]
    arguments = ["--config", str(file), "--data", str(system.data), *options]
    subprocess.run([*command, *arguments], capture_output=True, check=True)


def settled(system: DrillSystem) -> None:
    """Wait for the end of the latest change; stop where it is no promotion."""
    deadline = time.perf_counter() + SECONDS_MAX
    while time.perf_counter() < deadline:
        change = system.guard.get("/changes")["changes"][0]
        if change["verdict"] is not None:
            if change["verdict"] != "promoted" or change["kinds"] != ["flags"]:
                raise SystemExit(f"A flip ended as {change['verdict']}: {change['reasons']}")
            return
        time.sleep(0.1)
    raise SystemExit("A flip did not settle.")


def flip(
    system: DrillSystem, visitor: Visitor, settings: str, options: tuple[str, ...], shown: bool
) -> float:
    """Return the seconds until the old value was seen for the last time."""
    began = time.perf_counter()
    propose(system, settings, options)
    settled(system)
    seconds = visitor.last_seen[not shown] - began
    if visitor.last_seen[shown] < visitor.last_seen[not shown]:
        raise SystemExit("The new value was not served.")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[float]] = {}
    with running(PACE) as system, visiting(system) as visitor:
        for _ in range(options.rounds):
            for name, settings, force, shown in ROUND:
                taken = flip(system, visitor, PACE + settings, force, shown)
                found.setdefault(name, []).append(taken)
        failed = visitor.failed
    for name, seconds in found.items():
        ratios = [each / LIMIT_SECONDS for each in seconds]
        print(
            f"{name + ':':13} {spread(seconds)} s, limit {LIMIT_SECONDS:.0f} s; "
            f"ratio {spread(ratios)}"
        )
    print(f"pages that failed meanwhile: {failed}; {options.rounds} rounds, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
