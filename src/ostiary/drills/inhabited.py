"""A system of its own with people on it, for whoever proposes many changes one after another."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ostiary.drills.population import (
    copy_release,
    create_application,
    create_people,
    plan_traffic,
    release_of,
)
from ostiary.drills.system import DrillSystem, running
from ostiary.drills.traffic_plan import Application, invent_people
from ostiary.drills.traffic_process import Traffic, flowing
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import SeededRandom

_DAY_SECONDS = 86_400
_WARM_UP_SECONDS_MAX = 90


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A running system and its people, who sign in to `application` until they are stopped.

    `original` is a copy of the release that serves, `directory` where more can be written.
    """

    system: DrillSystem
    traffic: Traffic
    application: Application
    original: Path
    directory: Path


@contextmanager
def inhabited(
    settings_toml: str, *, users: int, rate: float, seed: int, clock: Clock
) -> Iterator[Inhabited]:
    """Start a system on which so many users sign in, `rate` times a second in all.

    Raises `OstiaryError` where system or users do not get going.
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
        with flowing(plan, directory, clock) as traffic:
            traffic.wait_for_visits(users, _WARM_UP_SECONDS_MAX)
            yield Inhabited(system, traffic, application, original, directory)
