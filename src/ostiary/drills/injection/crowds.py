"""Many who come at once: users in a surge, and attackers who guess passwords.

They are sent by a second traffic process, as users are by the first. What they did is handed to the
recorder: users count like all others, attackers only by what they got wrongly.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.joined import OtherTraffic
from ostiary.drills.scenarios.process_kinds import BruteForce, Stuffing, Surge
from ostiary.drills.traffic_plan import Attack, Person, TrafficPlan, invent_people
from ostiary.drills.traffic_process import flowing

_FIRST_VISIT_SECONDS_MAX: Final = 30.0
_SECONDS_MAX: Final = 600.0
_UNKNOWN_DOMAIN: Final = "elsewhere.drill.invalid"


@contextmanager
def surge(place: InjectionPlace, fault: Surge) -> Iterator[None]:
    """Send the same users more often, until the block ends and those under way have finished."""
    rate = place.plan.rate * (fault.times - 1)
    with _besides(place, place.plan.model_copy(update={"rate": rate}), are_users=True):
        place.recorder.note(f"{rate:g} visits a second more.")
        yield


@contextmanager
def stuffing(place: InjectionPlace, fault: Stuffing) -> Iterator[None]:
    """Try passwords for the accounts of all users, and for many addresses without an account."""
    strangers = invent_people(fault.accounts, place.rng, domain=_UNKNOWN_DOMAIN)
    renamed = [each.model_copy(update={"name": f"x-{each.name}"}) for each in strangers]
    targets = [*place.plan.people, *renamed]
    with _attacked(place, targets, fault.rate, fault.networks):
        yield


@contextmanager
def brute_force(place: InjectionPlace, fault: BruteForce) -> Iterator[None]:
    """Guess the password of the first user."""
    with _attacked(place, [place.plan.people[0]], fault.rate, fault.networks):
        yield


@contextmanager
def _attacked(
    place: InjectionPlace, targets: list[Person], rate: float, networks: int
) -> Iterator[None]:
    attack = Attack(networks=networks)
    plan = place.plan.model_copy(update={"rate": rate, "people": tuple(targets), "attack": attack})
    with _besides(place, plan, are_users=False):
        place.recorder.note(
            f"{rate:g} guesses a second, at {len(targets)} accounts, from {networks} networks."
        )
        yield


@contextmanager
def _besides(place: InjectionPlace, plan: TrafficPlan, *, are_users: bool) -> Iterator[None]:
    """Send others besides; returns once the first of them has made a visit."""
    directory = Path(tempfile.mkdtemp(prefix="others-", dir=place.directory))
    # The seed differs, or everybody would come at the very moments at which others come.
    changed = {"seed": plan.seed + 1, "seconds": _SECONDS_MAX}
    with flowing(plan.model_copy(update=changed), directory, place.clock) as traffic:
        traffic.wait_for_visits(1, _FIRST_VISIT_SECONDS_MAX)
        yield
        place.recorder.others.append(OtherTraffic(traffic.stop(), are_users))
