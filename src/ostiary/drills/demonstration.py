"""A bad release on the running system, with users of its own, to see it being held off."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.drills.faults import apply_edits
from ostiary.drills.population import (
    copy_release,
    create_application,
    create_people,
    plan_traffic,
    release_of,
)
from ostiary.drills.scenarios.catalogue import scenario
from ostiary.drills.scoring import affected_users
from ostiary.drills.traffic_plan import Application, Person, invent_people
from ostiary.drills.traffic_process import flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import Random, new_id

_DRILL = "seed-000"
_USERS = 20
_RATE = 20.0
_SECONDS_MAX = 600.0
_VISITS_BEFORE = 40
_WARM_UP_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What was seen: the settled change, and how the demonstration's users fared."""

    change: dict[str, Any]
    actions: int
    users: int
    affected: int


def show_bad_release(
    data: Path,
    guard: GuardClient,
    from_stage: str,
    follow: Callable[[str], dict[str, Any]],
    *,
    clock: Clock,
    rng: Random,
    tell: Callable[[str], None],
) -> Demonstration:
    """Propose a release that breaks signing in for 75 % of the users, under traffic.

    `follow` shows a change until it has settled, and returns it. The users and the application
    are deleted at the end. Raises `OstiaryError` where the system does not play along.
    """
    status = guard.get("/status")
    issuer = str(status["issuer"])
    with tempfile.TemporaryDirectory(prefix="ostiary-demo-") as directory:
        place = Path(directory)
        release = place / "release"
        copy_release(data, release_of(data, status["last_good"]), release)
        fault = scenario(_DRILL).content.fault
        apply_edits(fault.edits, release)
        with _visitors(guard, issuer, rng) as (application, people):
            seed = int(rng.hex(4), 16)
            plan = plan_traffic(
                issuer, application, people, rate=_RATE, seconds=_SECONDS_MAX, seed=seed
            )
            with flowing(plan, place, clock) as traffic:
                tell(f"{_USERS} users of the demonstration sign in, {_RATE:.0f} times a second")
                traffic.wait_for_visits(_VISITS_BEFORE, _WARM_UP_SECONDS_MAX)
                tell(f"proposing a bad release. {fault.description}")
                body = {
                    "releases": {"identity": str(release)},
                    "from_stage": from_stage,
                    "reason": "demonstration of a bad release",
                    # It is the same release every time, and was refused the last time.
                    "again": True,
                }
                change = _follow(guard, str(guard.post("/changes", body)["change"]), follow)
                entries = traffic.stop().entries
    return Demonstration(change, len(entries), _USERS, len(affected_users(entries)))


def _follow(
    guard: GuardClient, change: str, follow: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Follow the change; where that is broken off, the bad release must not stay in canary."""
    try:
        return follow(change)
    except BaseException:
        with suppress(OstiaryError):
            guard.post(f"/changes/{change}/rollback", {"reason": "the demonstration was ended"})
        raise


@contextmanager
def _visitors(
    guard: GuardClient, issuer: str, rng: Random
) -> Iterator[tuple[Application, list[Person]]]:
    """Provide an application and users with names of their own; delete them afterwards."""
    name = new_id("demo", rng)
    people = invent_people(_USERS, rng, domain=f"{name}.invalid")
    try:
        create_people(guard, people)
        yield create_application(guard, issuer, name), people
    finally:
        # One that was not created, or cannot be deleted, must not keep the others.
        for path in (*(f"/users/{person.email}" for person in people), f"/clients/{name}"):
            with suppress(OstiaryError):
                guard.post(f"{path}/delete")
