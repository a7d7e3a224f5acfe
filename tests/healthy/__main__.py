"""The long run: healthy changes, one after another, on one system that people use meanwhile."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.drills.population import (
    copy_release,
    create_application,
    create_people,
    plan_traffic,
    release_of,
)
from ostiary.drills.scoring import affected_users, harmed
from ostiary.drills.system import DrillSystem, running
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import Traffic, flowing
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import SeededRandom
from tests.healthy.changes import Healthy, healthy_change

PACE = """
[guard]
steps = [10, 50, 100]
step_seconds_min = 1.0
bake_seconds = 2.0
"""
USERS = 20
_DAY_SECONDS = 86_400
_WARM_UP_SECONDS_MAX = 60
_END_SECONDS_MAX = 300


@dataclass(frozen=True)
class Site:
    """The system under traffic, its first release, and where proposals are written."""

    system: DrillSystem
    traffic: Traffic
    original: Path
    directory: Path

    def propose(self, number: int, change: Healthy) -> dict[str, Any]:
        """Propose one change and return how it ended."""
        release, settings = self.directory / "release", self.directory / "proposed.toml"
        shutil.rmtree(release, ignore_errors=True)
        shutil.copytree(self.original, release)
        change.write(release)
        settings.write_text(change.settings_toml(PACE))
        body = {"releases": {"identity": str(release)}, "config": str(settings)}
        return self._ended(str(self.system.guard.post("/changes", body)["change"]), number)

    def _ended(self, change: str, number: int) -> dict[str, Any]:
        guard = self.system.guard
        deadline = time.monotonic() + _END_SECONDS_MAX
        while time.monotonic() < deadline:
            if guard.get("/status")["change"] is None:
                return dict(guard.get(f"/changes/{change}"))
            time.sleep(0.1)
        raise OstiaryError("not_ended", f"Change {change}, number {number}, does not end.")


@contextmanager
def site(rate: float, seed: int) -> Iterator[Site]:
    """Start a system, and people who sign in `rate` times a second."""
    with (
        tempfile.TemporaryDirectory(prefix="ostiary-healthy-") as name,
        running(PACE) as system,
    ):
        directory = Path(name)
        original = directory / "original"
        last_good = system.guard.get("/status")["last_good"]
        copy_release(system.data, release_of(system.data, last_good), original)
        people = invent_people(USERS, SeededRandom(seed))
        create_people(system.guard, people)
        application = create_application(system.guard, audience=system.issuer)
        plan = plan_traffic(
            system.issuer, application, people, rate=rate, seconds=_DAY_SECONDS, seed=seed
        )
        with flowing(plan, directory, SystemClock()) as traffic:
            traffic.wait_for_visits(USERS, _WARM_UP_SECONDS_MAX)
            yield Site(system, traffic, original, directory)


def run(count: int, seed: int, rate: float) -> int:
    """Propose so many changes; return how many were not promoted."""
    stopped: list[str] = []
    began = time.monotonic()
    with site(rate, seed) as place:
        for number in range(count):
            change = healthy_change(number, seed, place.original)
            ended = place.propose(number, change)
            seconds = time.monotonic() - began
            print(f"{number} at {seconds:.0f} s: {change.kind}: {ended['verdict']}", flush=True)
            if ended["verdict"] != "promoted":
                reasons = "; ".join(reason["text"] for reason in ended["reasons"])
                stopped.append(f"{number} ({change.kind}) {ended['verdict']}: {reasons}")
                print(f"  {reasons}", flush=True)
        entries = place.traffic.stop().entries
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
