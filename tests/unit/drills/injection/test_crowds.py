"""Many who come at once, to a small provider of the test's own process."""

from dataclasses import replace

import pytest

from ostiary.drills.injection.registry import injected
from ostiary.drills.joined import joined, others_achieved
from ostiary.drills.ledger import Came, Ledger, Run
from ostiary.drills.scoring import affected_users
from ostiary.drills.traffic_plan import Application, Habits, TrafficPlan, invent_people
from ostiary.kernel.ids import SeededRandom
from tests.unit.drills.injection.places import faults_of, order_of, place_of
from tests.unit.watch.small_provider.provider import SmallProvider
from tests.unit.watch.small_provider.store import Client, Store, User

REDIRECT_URI = "https://app.example/callback"
SURGE = {"kind": "surge", "times": 3.0}
STUFFING = {"kind": "stuffing", "rate": 40.0, "accounts": 10, "networks": 300}
BRUTE_FORCE = {"kind": "brute_force", "rate": 40.0, "networks": 3}


@pytest.fixture
def provide():
    """Start providers that know three people, and return each with a plan of its traffic."""
    running = []

    def start(**options):
        store = Store()
        grants = ["authorization_code", "refresh_token"]
        store.clients["app"] = Client(
            "app", "hush", [REDIRECT_URI], "urn:api", 300, probe=False, grants=grants
        )
        people = invent_people(3, SeededRandom(1))
        for person in people:
            store.users[person.email] = User(
                person.name, person.email, person.password, list(person.roles), False
            )
        provider = SmallProvider(store, **options)
        running.append(provider)
        application = Application(
            client_id="app", client_secret="hush", redirect_uri=REDIRECT_URI, audience="urn:api"
        )
        return provider, TrafficPlan(
            base_url=provider.url,
            issuer=provider.issuer,
            application=application,
            people=tuple(people),
            rate=10.0,
            seconds=60.0,
            habits=Habits(wrong_password=0, forged_token=0),
        )

    yield start
    for provider in running:
        provider.server.close()


def befall(fault, plan, directory):
    """Inject a fault until the first visit was made; return what others did."""
    order = order_of(fault)
    place = replace(place_of(order, directory, directory), plan=plan)
    with injected(place, faults_of(order)):
        assert place.recorder.others == []
    (other,) = place.recorder.others
    return other


def nobody(ended_at=10.0):
    return Ledger(Run(0.0, 1.0, 10.0, 1, 3), (), ended_at)


def test_in_a_surge_the_same_users_come_more_often_and_count_as_users(provide, tmp_path):
    _, plan = provide()

    surge = befall(SURGE, plan, tmp_path)

    assert surge.are_users
    assert surge.ledger.run.rate == 20.0
    assert others_achieved([surge]) > 0
    entries = joined(nobody(), [surge]).entries
    assert len(entries) == len(surge.ledger.entries) > 0
    assert {entry.user for entry in entries} <= {person.name for person in plan.people}
    assert all(entry.visit < 0 for entry in entries), "none of them is one that was planned"


def test_users_of_a_surge_who_are_failed_are_affected(provide, tmp_path):
    _, plan = provide(faults={"refuses_everybody"})

    surge = befall(SURGE, plan, tmp_path)

    assert affected_users(joined(nobody(), [surge]).entries)


@pytest.mark.parametrize("attack", [STUFFING, BRUTE_FORCE])
def test_guesses_are_refused_and_are_nobody_s_visits(attack, provide, tmp_path):
    _, plan = provide()

    other = befall(attack, plan, tmp_path)

    assert not other.are_users
    assert {entry.action for entry in other.ledger.entries} == {"guess"}
    assert {entry.came for entry in other.ledger.entries} == {Came.REFUSED}
    assert joined(nobody(), [other]).entries == ()
    assert others_achieved([other]) > 0


def test_only_one_account_is_guessed_at_where_it_is_brute_force(provide, tmp_path):
    _, plan = provide()

    guessed = befall(BRUTE_FORCE, plan, tmp_path).ledger.entries
    stuffed = befall(STUFFING, plan, tmp_path).ledger

    assert {entry.user for entry in guessed} == {plan.people[0].name}
    assert stuffed.run.users == 13, "those who have an account, and ten who have none"


@pytest.mark.parametrize("attack", [STUFFING, BRUTE_FORCE])
def test_an_attacker_who_is_let_in_is_a_wrong_yes_and_no_user(attack, provide, tmp_path):
    provider, plan = provide(faults={"accepts_any_password"})
    people = [*provider.store.users.values()]
    for number in range(10):
        email = f"user-{number:04}@elsewhere.drill.invalid"
        provider.store.users[email] = replace(people[0], id=f"x-{number}", email=email)

    entries = joined(nobody(), [befall(attack, plan, tmp_path)]).entries

    assert entries
    assert all(entry.wrong_yes and not entry.grantable for entry in entries)
    assert affected_users(entries) == frozenset()
