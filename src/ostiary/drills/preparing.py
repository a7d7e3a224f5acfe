"""Making the system of a drill what its scenario says: replicas, users, applications, traffic."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ostiary.drills.faults import Edit, apply_edits
from ostiary.drills.injection.registry import edits_for, settings_for
from ostiary.drills.order import DrillOrder
from ostiary.drills.population import (
    copy_release,
    create_application,
    create_people,
    plan_traffic,
    release_of,
)
from ostiary.drills.scenarios.model import ScenarioFile
from ostiary.drills.scenarios.reading import EARLIER_HASHES, Tables, merged, settings_text
from ostiary.drills.system import DrillSystem
from ostiary.drills.traffic_plan import Habits, Person, TrafficPlan, invent_people
from ostiary.guard.client import GuardError
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import SeededRandom

_POLL_SECONDS: Final = 0.1
_CHANGE_SECONDS_MAX: Final = 120.0
_TRAFFIC_SECONDS_MAX: Final = 900.0

Change = dict[str, Any]


def first_settings(order: DrillOrder) -> Tables:
    """Return the settings with which the system starts: where needed, those of an earlier time."""
    earlier: Tables = {"identity": dict(EARLIER_HASHES)}
    old = order.scenario.content.users.old_hashes > 0
    return merged(_settings(order), earlier) if old else _settings(order)


def _settings(order: DrillOrder) -> Tables:
    return merged(order.settings(), settings_for(order.scenario.content.fault.inject))


def prepare(order: DrillOrder, system: DrillSystem, place: Path, clock: Clock) -> TrafficPlan:
    """Create users and applications, bring the system to where it has to be, and plan the traffic.

    Raises `OstiaryError` where the system does not play along.
    """
    content = order.scenario.content
    people = with_roles(invent_people(content.users.count, SeededRandom(order.seed)), content)
    old = round(content.users.old_hashes * len(people))
    # Where the first settings are today's already, nobody waits for replicas made slow.
    first = old or len(people)
    create_people(system.guard, people[:first])
    _bring_up_to_date(order, system, place, clock)
    create_people(system.guard, people[first:])
    default = create_application(system.guard, audience=system.issuer)
    others = [
        create_application(system.guard, audience=each.audience, name=each.name, is_own=True)
        for each in content.applications
    ]
    return plan_traffic(
        system.issuer,
        default,
        with_applications(people, content),
        rate=content.traffic.rate,
        seconds=_TRAFFIC_SECONDS_MAX,
        seed=order.seed,
        others=tuple(others),
        habits=_habits(content),
    )


def with_roles(people: Sequence[Person], content: ScenarioFile) -> list[Person]:
    """Return the people with the roles of everybody; a further one has who comes first.

    Of several further roles, the last that says how often to look at orders counts.
    """
    users, placed = content.users, []
    for number, person in enumerate(people):
        further = [each for each in users.further_roles if number < round(each.share * len(people))]
        roles = (*users.roles, *(each.role for each in further))
        looks = [each.looks for each in further if each.looks is not None]
        placed.append(
            person.model_copy(update={"roles": roles, "looks": looks[-1] if looks else None})
        )
    return placed


def with_applications(people: Sequence[Person], content: ScenarioFile) -> list[Person]:
    """Return the people, each with the application that they sign in to, by the shares."""
    left, placed = list(people), []
    for application in content.applications:
        count = round(application.share * len(people))
        placed += [
            each.model_copy(update={"application": application.name}) for each in left[:count]
        ]
        left = left[count:]
    return placed + left


def _habits(content: ScenarioFile) -> Habits:
    traffic = content.traffic
    return Habits(
        wrong_password=traffic.wrong_password,
        refresh=traffic.refresh,
        introspect=traffic.introspect,
        forged_token=traffic.forged_token,
        orders=traffic.orders,
        looks=traffic.looks,
    )


def _bring_up_to_date(order: DrillOrder, system: DrillSystem, place: Path, clock: Clock) -> None:
    """Promote what a start alone cannot bring: today's hashes, and an edited release."""
    content = order.scenario.content
    body: dict[str, Any] = {"from_stage": "bake"}
    if content.users.old_hashes > 0:
        settings = place / "today.toml"
        settings.write_text(settings_text(_settings(order)))
        body["config"] = str(settings)
    capacity = content.topology.capacity
    edits = [
        *([] if capacity is None else [as_slow_as(capacity)]),
        *edits_for(content.fault.inject, place),
    ]
    if edits:
        release = place / "prepared"
        copy_serving(system, "identity", release)
        apply_edits(edits, release)
        body["releases"] = {"identity": str(release)}
    if len(body) > 1:
        _promote(system, str(system.guard.post("/changes", body)["change"]), clock)


def copy_serving(system: DrillSystem, service: str, target: Path) -> None:
    """Copy the release of a service that serves to a directory that may be edited."""
    last_good = system.guard.get("/status")["last_good"]
    copy_release(system.data, release_of(system.data, last_good, service), target)


def as_slow_as(capacity: float) -> Edit:
    """Return what makes a replica's hashes take as long as on a machine of that capacity.

    They wait for most of it, so that the capacity of a replica does not depend on how busy the
    machine is.
    """
    return Edit(
        file="ostiary/identity/passwords/hash_process.py",
        old="            os.write(_SOCKET, answer(request))\n",
        new="            ends = time.monotonic() + "
        f"{1 / capacity:.6f}\n"
        "            reply = answer(request)\n"
        "            time.sleep(max(0.0, ends - time.monotonic()))\n"
        "            os.write(_SOCKET, reply)\n",
    )


def _promote(system: DrillSystem, change: str, clock: Clock) -> None:
    """Let a change through that is the drill's own doing. Raises `OstiaryError` where it fails."""
    deadline = clock.monotonic() + _CHANGE_SECONDS_MAX
    while True:
        value: Change = system.guard.get(f"/changes/{change}")
        if value["verdict"] == "promoted":
            return
        if value["verdict"] is not None or clock.monotonic() > deadline:
            raise OstiaryError(
                "drill_not_prepared",
                f"The drill's system could not be prepared: change {change} was "
                f"{value['verdict'] or 'not decided'} in stage {value['stage']}.",
            )
        if value["stage"] == "bake":
            # It may have been promoted just now, by itself.
            with suppress(GuardError):
                system.guard.post(f"/changes/{change}/promote", {"reason": "drill"})
        time.sleep(_POLL_SECONDS)
