"""The long run: healthy changes, one after another, on one system that people use meanwhile."""

import argparse
import shutil
import sys
import time
from dataclasses import dataclass
from typing import Any

from ostiary.drills.inhabited import Inhabited, inhabited
from ostiary.drills.scoring import affected_users, harmed
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from tests.healthy.changes import Healthy, healthy_change

PACE = """
[guard]
steps = [10, 50, 100]
step_seconds_min = 1.0
bake_seconds = 2.0
"""
USERS = 20
_END_SECONDS_MAX = 300


@dataclass(frozen=True)
class Site:
    """The system under traffic, where one change is proposed after another."""

    place: Inhabited

    def propose(self, number: int, change: Healthy) -> dict[str, Any]:
        """Propose one change and return how it ended."""
        release, settings = self.place.directory / "release", self.place.directory / "proposed.toml"
        shutil.rmtree(release, ignore_errors=True)
        shutil.copytree(self.place.original, release)
        change.write(release)
        settings.write_text(change.settings_toml(PACE))
        body = {"releases": {"identity": str(release)}, "config": str(settings)}
        return self._ended(str(self.place.system.guard.post("/changes", body)["change"]), number)

    def _ended(self, change: str, number: int) -> dict[str, Any]:
        guard = self.place.system.guard
        deadline = time.monotonic() + _END_SECONDS_MAX
        while time.monotonic() < deadline:
            if guard.get("/status")["change"] is None:
                return dict(guard.get(f"/changes/{change}"))
            time.sleep(0.1)
        raise OstiaryError("not_ended", f"Change {change}, number {number}, does not end.")


def run(count: int, seed: int, rate: float) -> int:
    """Propose so many changes; return how many were not promoted."""
    stopped: list[str] = []
    began = time.monotonic()
    clock = SystemClock()
    with (
        inhabited(PACE, users=USERS, rate=rate, seed=seed, clock=clock) as place,
        place.visited() as traffic,
    ):
        site = Site(place)
        for number in range(count):
            change = healthy_change(number, seed, place.original)
            ended = site.propose(number, change)
            seconds = time.monotonic() - began
            print(f"{number} at {seconds:.0f} s: {change.kind}: {ended['verdict']}", flush=True)
            if ended["verdict"] != "promoted":
                reasons = "; ".join(reason["text"] for reason in ended["reasons"])
                stopped.append(f"{number} ({change.kind}) {ended['verdict']}: {reasons}")
                print(f"  {reasons}", flush=True)
        entries = traffic.stop().entries
    affected = affected_users(entries)
    for line in [*stopped, *harmed(entries, None)]:
        print(line)
    print(
        f"seed {seed}: {count - len(stopped)} of {count} healthy changes promoted; "
        f"{len(entries)} actions of {USERS} users, {len(affected)} affected"
    )
    return len(stopped) + len(affected)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make healthy", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="how many changes")
    parser.add_argument("--seed", type=int, default=1, help="which changes")
    parser.add_argument("--rate", type=float, default=4.0, help="sign-ins a second meanwhile")
    options = parser.parse_args()
    return int(run(options.count, options.seed, options.rate) > 0)


if __name__ == "__main__":
    sys.exit(main())
