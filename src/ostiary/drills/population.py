"""Creating a drill's users and their application in a running system."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ostiary.drills.traffic_plan import Application, Habits, Person, TrafficPlan
from ostiary.guard.client import GuardClient, GuardError

_REDIRECT_URI: Final = "https://app.drill.invalid/callback"
_CREATED_AT_ONCE: Final = 2
"""While one waits for its hash, the next one is on its way; more would be sent away where the
machine is busy, since nobody waits for a hash for longer than a second."""
_TRIES: Final = 6
_PAUSE_SECONDS: Final = 2.0


def create_people(
    guard: GuardClient, people: Sequence[Person], pause: Callable[[float], None] = time.sleep
) -> None:
    """Create the accounts of new users; raises `GuardError` where one is refused.

    Whoever is sent away from a busy replica comes back after a pause, as a client that is told to.
    """

    def create(person: Person) -> None:
        account = {"email": person.email, "password": person.password, "roles": list(person.roles)}
        for left in reversed(range(_TRIES)):
            try:
                guard.post("/users", account)
            except GuardError as error:
                if error.code != "overloaded" or not left:
                    raise
                pause(_PAUSE_SECONDS)
            else:
                return

    with ThreadPoolExecutor(_CREATED_AT_ONCE) as threads:
        # Each result is taken, since a refusal is raised there.
        list(threads.map(create, people))


def create_application(
    guard: GuardClient, audience: str, name: str = "drill-app", *, is_own: bool = False
) -> Application:
    """Register a confidential client that users sign in to.

    Its API expects `audience`: the default one, or one of its own, which is then registered.
    """
    answer = guard.post(
        "/clients",
        {
            "client_id": name,
            "redirect_uris": [_REDIRECT_URI],
            "public": False,
            "grants": ["authorization_code", "refresh_token"],
            **({"audience": audience} if is_own else {}),
        },
    )
    return Application(
        client_id=name,
        client_secret=str(answer["client_secret"]),
        redirect_uri=_REDIRECT_URI,
        audience=audience,
    )


def plan_traffic(
    issuer: str,
    application: Application,
    people: list[Person],
    *,
    rate: float,
    seconds: float,
    seed: int,
    others: tuple[Application, ...] = (),
    habits: Habits | None = None,
) -> TrafficPlan:
    """Return the plan for these people; the traffic may be stopped before its end.

    Whoever names none of the `others` signs in to `application`.
    """
    return TrafficPlan(
        base_url=issuer,
        issuer=issuer,
        application=application,
        people=tuple(people),
        rate=rate,
        seconds=seconds,
        seed=seed,
        others=others,
        habits=habits or Habits(),
    )


def copy_release(data: Path, release_hash: str, target: Path) -> None:
    """Copy a release of the store to a directory that may be edited."""
    source = next(data.glob(f"releases/{release_hash[:12]}*/"))
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def release_of(data: Path, snapshot: str, service: str = "identity") -> str:
    """Return the hash of a service's release in a snapshot of a data directory."""
    value = json.loads((data / "snapshots" / f"{snapshot}.json").read_text())
    return str(value["releases"][service])
