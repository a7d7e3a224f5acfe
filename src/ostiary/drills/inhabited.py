"""A system of its own with people on it, for whoever proposes many changes one after another."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from ostiary.drills.population import (
    copy_release,
    create_application,
    create_people,
    plan_traffic,
    release_of,
)
from ostiary.drills.system import DrillSystem, running
from ostiary.drills.traffic_plan import Application, TrafficPlan, invent_people
from ostiary.drills.traffic_process import Traffic, flowing
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import SeededRandom

_DAY_SECONDS = 86_400
_WARM_UP_SECONDS_MAX = 90
_FROM = "127.20.0.1"
"""A network of the people's own.

The guard's journeys try wrong passwords through the edge. With a change every few seconds there are
so many that newcomers from the same network would have to wait.
"""


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A running system, an application, and people who can be sent to sign in to it.

    `original` is a copy of the release that serves, `directory` where more can be written.
    """

    system: DrillSystem
    application: Application
    original: Path
    directory: Path
    plan: TrafficPlan
    clock: Clock
    times: Iterator[int] = field(default_factory=count)
    """Each time people are let, the next number: by the same seed the same few of them would
    mistype their password each time, until they had to wait for the next try."""

    @contextmanager
    def visited(self) -> Iterator[Traffic]:
        """Let the people sign in until the block ends; it begins when as many visits have ended.

        Raises `OstiaryError` where they do not get going.
        """
        plan = self.plan.model_copy(update={"seed": self.plan.seed + next(self.times)})
        with (
            tempfile.TemporaryDirectory(dir=self.directory) as name,
            flowing(plan, Path(name), self.clock) as traffic,
        ):
            traffic.wait_for_visits(len(self.plan.people), _WARM_UP_SECONDS_MAX)
            yield traffic


@contextmanager
def inhabited(
    settings_toml: str, *, users: int, rate: float, seed: int, clock: Clock
) -> Iterator[Inhabited]:
    """Start a system for so many users, who sign in `rate` times a second in all when they are let.

    Raises `OstiaryError` where it does not come up.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ostiary-inhabited-") as name,
        running(settings_toml) as system,
    ):
        directory = Path(name)
        original = directory / "original"
        last_good = system.guard.get("/status")["last_good"]
        copy_release(system.data, release_of(system.data, last_good), original)
        people = invent_people(users, SeededRandom(seed))
        create_people(system.guard, people)
        application = create_application(system.guard, audience=system.issuer)
        plan = plan_traffic(
            system.issuer, application, people, rate=rate, seconds=_DAY_SECONDS, seed=seed
        )
        plan = plan.model_copy(update={"from_address": _FROM})
        yield Inhabited(system, application, original, directory, plan, clock)
