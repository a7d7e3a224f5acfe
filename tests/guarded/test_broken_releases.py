"""Releases broken for some: each is stopped, by whom it should be, and nobody is affected.

One system and its users for all of them: what stops one release must leave the system as it was
for the next. Users sign in all the time, also with names that are not ASCII, and all of them with
password hashes of parameters that the settings no longer have.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ostiary.drills.ledger import Entry, read_ledger
from ostiary.drills.population import create_application, create_people, plan_traffic
from ostiary.drills.traffic_plan import Person, TrafficPlan, invent_people
from ostiary.drills.traffic_process import Traffic, flowing
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.guarded import broken_releases as broken
from tests.guarded.broken_releases import Broken
from tests.guarded.conftest import running_with
from tests.guarded.releases import Fault, make_release
from tests.guarded.test_bad_releases import propose, require_as_it_was
from tests.guarded.users import require_served, shed
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem

# One system for all of them; `tests/workers.py` knows that.
pytestmark = pytest.mark.system

PACE = """
[guard]
steps = [20, 50, 100]
step_seconds_min = 1.0
bake_seconds = 20.0
rehearsal_start_seconds_max = 15.0
"""
EARLIER_HASHES = "[identity]\nhash_time_cost = 3\n"
USERS = 12
RATE = 1.5
RUSH = 3.0
"""How many more come where the evidence of their requests decides."""


@dataclass(frozen=True)
class Site:
    """The system, its users who are under way, and where releases are made."""

    system: RunningSystem
    plan: TrafficPlan
    traffic: Traffic
    directory: Path

    def release(self, name: str, *faults: Fault) -> Path:
        """Make a release with these mistakes from the one that serves."""
        last_good = self.system.status()["last_good"]
        return make_release(self.system.data, last_good, self.directory / name, *faults)

    def entries(self) -> list[Entry]:
        return list(read_ledger(self.traffic.ledger_path).entries)

    def rush(self, name: str) -> AbstractContextManager[Traffic]:
        """Send more users while the block runs."""
        directory, more = self.directory / f"rush {name}", {"rate": RUSH, "seed": 6}
        directory.mkdir()
        return flowing(self.plan.model_copy(update=more), directory, SystemClock())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("broken-releases")
    data, settings = directory / "data", directory / "ostiary.toml"
    settings.write_text(PACE + EARLIER_HASHES)
    with running_with(settings, data) as system:
        people = users()
        guard, clock = GuardClient(data), SystemClock()
        create_people(guard, people)
        settle_for_new_parameters(system, settings)
        plan = plan_traffic(
            system.issuer,
            create_application(guard, audience=system.issuer, name=broken.THE_CLIENT),
            people,
            rate=RATE,
            seconds=1_800,
            seed=5,
        )
        with flowing(plan, directory, clock) as traffic:
            traffic.wait_for_visits(USERS // 2, 60)
            yield Site(system, plan, traffic, directory)


def users() -> list[Person]:
    """Return people of whom every third has a password that is not ASCII."""
    people = invent_people(USERS, SeededRandom(5))
    return [
        person.model_copy(update={"password": f"Grüße-日本-{person.password}"})
        if number % 3 == 0
        else person
        for number, person in enumerate(people)
    ]


def settle_for_new_parameters(system: RunningSystem, settings: Path) -> None:
    """Change the parameters of new hashes; those that there are stay as they are."""
    settings.write_text(PACE)
    proposed = system.ostiary("change", "propose", "--config", str(settings), "--from", "bake")
    change = str(proposed["change"])
    wait_for(lambda: stage_of(system, change) == "bake", "the bake")
    system.ostiary("change", "promote", change)
    wait_for(lambda: stage_of(system, change) == "good", "the change's end")


def stage_of(system: RunningSystem, change: str) -> str:
    return str(system.change(change)["stage"])


def require_nobody_affected(entries: Sequence[Entry]) -> None:
    """Fail unless users came meanwhile, and each of them got what was theirs.

    A machine that stands still for a second sheds sign-ins, which says nothing about the release.
    """
    assert entries, "nobody came meanwhile"
    require_served(entries)
    assert not any(entry.wrong_yes for entry in entries)


def require_hidden(entries: Sequence[Entry], result: dict[str, Any]) -> None:
    """Fail where the change affected more than were shed meanwhile, whatever arm they were in."""
    assert result["users_affected"] <= shed(entries), result


def told(result: dict[str, Any]) -> str:
    return "\n".join(reason["text"] for reason in result["reasons"])


@pytest.mark.parametrize(
    "mistakes",
    [
        (broken.ONE_GRANT, broken.OLD_HASHES, broken.NOT_ASCII),
        (broken.SECOND_REFRESH, broken.ANY_PASSWORD, broken.NEVER_EXPIRES),
        (broken.ONE_METHOD,),
        (broken.UNDER_CONCURRENCY,),
        (broken.WRONG_USER,),
    ],
    ids=lambda mistakes: mistakes[0].name,
)
def test_a_release_broken_for_some_is_refused_in_rehearsal(
    site: Site, mistakes: tuple[Broken, ...]
) -> None:
    """Of several mistakes in one release each is told: none of them hides another."""
    before, since = site.system.status(), len(site.entries())
    path = site.release(mistakes[0].name, *(each.fault for each in mistakes))
    code, result = propose(site.system, path)
    assert (code, result["verdict"], result["stage"]) == (4, "refused", "rehearse"), result
    for each in mistakes:
        assert each.words in told(result), (each.name, told(result))
    require_hidden(site.entries()[since:], result)
    require_as_it_was(site.system, before)
    require_nobody_affected(site.entries()[since:])


@pytest.mark.parametrize(
    "mistakes",
    [(broken.OLD_HASHES,), (broken.ANY_PASSWORD, broken.NEVER_EXPIRES, broken.WRONG_USER)],
    ids=lambda mistakes: mistakes[0].name,
)
def test_from_canary_it_is_rolled_back_before_anybody_is_affected(
    site: Site, mistakes: tuple[Broken, ...]
) -> None:
    before, since = site.system.status(), len(site.entries())
    path = site.release(f"canary {mistakes[0].name}", *(each.fault for each in mistakes))
    # Rehearsal may have refused it already; here it is to be tried all the same.
    code, result = propose(site.system, path, "--from", "canary", "--again")
    assert (code, result["verdict"]) == (5, "rolled_back"), result
    # What a second opinion hides may go on to the bake, until the evidence has decided.
    is_hidden = broken.OLD_HASHES in mistakes
    assert result["stage"] in (("canary", "bake") if is_hidden else ("canary",))
    require_hidden(site.entries()[since:], result)
    assert result["reasons"]
    require_as_it_was(site.system, before)
    require_nobody_affected(site.entries()[since:])


@pytest.mark.parametrize(
    ("release", "more"),
    [(broken.ONE_CLIENT, ()), (broken.AFTER_A_WHILE, (broken.FIRST_USER,))],
    ids=["one application", "after a while"],
)
def test_what_no_rehearsal_can_see_is_rolled_back_by_the_evidence(
    site: Site, release: Broken, more: tuple[Fault, ...]
) -> None:
    before, since = site.system.status(), len(site.entries())
    with site.rush(release.name) as others:
        code, result = propose(site.system, site.release(release.name, release.fault, *more))
        entries = [*site.entries()[since:], *others.stop().entries]
    assert (code, result["verdict"]) == (5, "rolled_back"), result
    assert result["stage"] in ("canary", "bake"), result
    require_hidden(entries, result)
    assert release.words in told(result), told(result)
    assert result["failed_attempts_hidden"] > 0, result
    require_as_it_was(site.system, before)
    require_nobody_affected(entries)
