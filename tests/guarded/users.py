"""Users who sign in all the while, of whom every one must be served."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ostiary.drills.ledger import Entry
from ostiary.drills.population import create_application, create_people, plan_traffic
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import Traffic, flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.system import RunningSystem

SECONDS_MAX = 90
RATE = 2
LATE = {503, 504}
"""What the edge answers where a machine stood still and nobody had time for a request."""
_NO_TIME = re.compile(r"got HTTP 50[34]\b|^took \d|^no end after \d|got no answer in time")
"""What the ledger says of whatever no replica had time for, or the store on a slow disk."""


def shed(entries: Sequence[Entry]) -> int:
    """Return how many actions nobody had time for; the guard counts them as failures too."""
    return sum(not entry.ok and _nobody_had_time(entry) for entry in entries)


def _nobody_had_time(entry: Entry) -> bool:
    return _NO_TIME.search(entry.detail) is not None


def require_served(entries: Sequence[Entry]) -> None:
    """Fail unless everybody got what was theirs, but for a few that nobody had time for.

    On a machine that stands still for a second sign-ins are shed, whatever else happens; for two,
    and the edge's time for an attempt runs out; for longer, and what is granted comes late.
    """
    bad = [entry for entry in entries if not entry.ok]
    worse = [entry for entry in bad if not _nobody_had_time(entry)]
    assert not worse, worse[:3]
    assert len(bad) < len(entries) / 10, bad[:3]


def visits(traffic: Traffic) -> int:
    lines = traffic.ledger_path.read_text().splitlines()
    return len({json.loads(line).get("visit") for line in lines})


@contextmanager
def users(system: RunningSystem, directory: Path, *, name: str = "drill") -> Iterator[Traffic]:
    """Send users until the block ends; each of them must have been served.

    Another `name` is for other people and their application, where a system knows the first ones.
    """
    client = GuardClient(system.data)
    people = invent_people(10, SeededRandom(1), domain=f"{name}.invalid")
    create_people(client, people)
    application = create_application(client, system.issuer, f"{name}-app")
    plan = plan_traffic(system.issuer, application, people, rate=RATE, seconds=600, seed=1)
    with flowing(plan, directory, SystemClock()) as traffic:
        traffic.wait_for_visits(RATE, SECONDS_MAX)
        yield traffic
        ledger = traffic.stop()
    require_served(ledger.entries)
    assert "sign_in" in {entry.action for entry in ledger.entries}
