"""The traffic generator as seen from the drill that started it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ostiary.drills.ledger import Entry, Ledger, read_ledger
from ostiary.drills.traffic_plan import TrafficPlan, write_plan
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError

_POLL_SECONDS = 0.1
_STOP_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Traffic:
    """Users under way; `ledger` is what they report."""

    process: "subprocess.Popen[bytes]"
    ledger_path: Path
    log: Path
    clock: Clock

    def wait_for_visits(self, count: int, seconds_max: float) -> None:
        """Return once so many visits have ended; raises `OstiaryError` when that does not come."""
        self._wait_until(lambda: self._visits() >= count, seconds_max, f"{count} visits")

    def run_on(self, seconds: float) -> None:
        """Let the users go on for a while. Raises `OstiaryError` when the generator has ended."""
        until = self.clock.monotonic() + seconds
        self._wait_until(lambda: self.clock.monotonic() >= until, seconds + 1, "the traffic's end")

    def entries(self) -> Sequence[Entry]:
        """Return what the users have done so far."""
        return read_ledger(self.ledger_path).entries

    def stop(self) -> Ledger:
        """End the arrivals, wait for those under way, and return the whole ledger.

        Who is still waiting after half a minute is cut off; the ledger has no end then, and the
        drill that reads it is void.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return read_ledger(self.ledger_path)

    def _visits(self) -> int:
        if not self.ledger_path.exists():
            return 0
        return len({entry.visit for entry in read_ledger(self.ledger_path).entries})

    def _wait_until(self, met: Callable[[], bool], seconds_max: float, what: str) -> None:
        deadline = self.clock.monotonic() + seconds_max
        while not met():
            if self.process.poll() is not None or self.clock.monotonic() > deadline:
                words = self.log.read_text(errors="replace")[-500:]
                raise OstiaryError(
                    "traffic_failed", f"The drill's users did not get to {what}. {words}"
                )
            time.sleep(_POLL_SECONDS)


@contextmanager
def flowing(plan: TrafficPlan, directory: Path, clock: Clock) -> Iterator[Traffic]:
    """Send users in a process of their own until the block ends."""
    plan_path, ledger = directory / "plan.json", directory / "ledger.jsonl"
    log = directory / "traffic.log"
    write_plan(plan_path, plan)
    command = [sys.executable, "-P", "-m", "ostiary.drills.traffic"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--plan", str(plan_path), "--ledger", str(ledger)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Traffic(process, ledger, log, clock)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        plan_path.unlink(missing_ok=True)
