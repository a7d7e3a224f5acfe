from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.drills.traffic_plan import (
    Application,
    Habits,
    TrafficPlan,
    invent_people,
    read_plan,
    visits_of,
    write_plan,
)
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SeededRandom

APPLICATION = Application(
    client_id="app", client_secret="hush", redirect_uri="https://app.example/cb", audience="urn:a"
)


def plan(people=10, **changed):
    values = {"rate": 20, "seconds": 30, "seed": 7, **changed}
    return TrafficPlan(
        base_url="http://127.0.0.1:1",
        issuer="http://127.0.0.1:1",
        application=APPLICATION,
        people=tuple(invent_people(people, SeededRandom(1))),
        **values,
    )


def test_the_same_seed_brings_the_same_users_at_the_same_times():
    assert list(visits_of(plan())) == list(visits_of(plan()))


def test_another_seed_brings_others():
    first, second = list(visits_of(plan(seed=1))), list(visits_of(plan(seed=2)))

    assert [visit.person.name for visit in first] != [visit.person.name for visit in second]


@given(rate=st.floats(0.5, 200), seconds=st.floats(0.5, 20), seed=st.integers(0, 100))
def test_every_slot_has_one_arrival(rate, seconds, seed):
    visits = list(visits_of(plan(rate=rate, seconds=seconds, seed=seed)))

    assert len(visits) == round(rate * seconds)
    for number, visit in enumerate(visits):
        assert visit.number == number
        assert number / rate <= visit.at <= (number + 1) / rate


def test_all_users_come_equally_often():
    counts = Counter(visit.person.name for visit in visits_of(plan(people=30)))

    assert set(counts.values()) == {20}


def test_habits_are_shares_of_the_visits():
    habits = Habits(wrong_password=0.1, refresh=1.0, introspect=0.0, forged_token=0.5)
    visits = list(visits_of(plan(seconds=100, habits=habits)))

    assert 0.07 < sum(visit.wrong_password for visit in visits) / len(visits) < 0.13
    assert all(visit.refresh for visit in visits)
    assert not any(visit.introspect for visit in visits)


def test_invented_people_differ_in_everything_but_their_roles():
    people = invent_people(50, SeededRandom(1))

    assert len({person.email for person in people}) == 50
    assert len({person.password for person in people}) == 50
    assert {person.roles for person in people} == {("member",)}


def test_a_plan_survives_its_file_and_is_private(tmp_path):
    path = tmp_path / "plan.json"
    write_plan(path, plan())

    assert path.stat().st_mode & 0o777 == 0o600
    assert read_plan(path) == plan()


def test_a_plan_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "plan.json"
    write_plan(path, plan())
    path.chmod(0o644)

    with pytest.raises(UsageError, match="can be read by others"):
        read_plan(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rate": "fast"}'])
def test_a_wrong_plan_is_told_without_its_content(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(UsageError, match="is no plan for traffic"):
        read_plan(path)


def test_a_missing_plan_is_told(tmp_path):
    with pytest.raises(UsageError, match="Cannot read the plan"):
        read_plan(tmp_path / "none.json")


def test_secrets_of_a_plan_are_not_shown():
    shown = repr(plan())

    assert "hush" not in shown
    assert all(person.password not in shown for person in plan().people)


def test_who_looks_more_often_than_others_does_so_at_every_visit():
    people = plan().people
    busy = people[0].model_copy(update={"looks": 9})
    planned = plan(habits=Habits(orders=1.0, looks=4)).model_copy(
        update={"people": (busy, *people[1:])}
    )

    looks = {visit.person.name: visit.looks for visit in visits_of(planned)}

    assert looks == {each.name: 4 for each in people} | {busy.name: 9}


def test_who_orders_looks_as_often_as_the_habits_say():
    usual = list(visits_of(plan()))
    ordering = list(visits_of(plan(habits=Habits(orders=1.0, looks=4))))

    assert all(visit.orders and visit.looks == 4 for visit in ordering)
    assert not any(visit.orders for visit in usual)


def test_nobody_signs_in_to_an_application_that_is_not_there():
    people = [person.model_copy(update={"application": "shop"}) for person in plan().people]

    with pytest.raises(ValueError, match="an application that is not in the plan"):
        TrafficPlan.model_validate(plan().model_dump() | {"people": people})
