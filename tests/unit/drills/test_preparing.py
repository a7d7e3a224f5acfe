from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.preparing import first_settings, with_applications, with_roles
from ostiary.drills.scenarios.catalogue import scenario
from ostiary.drills.scenarios.model import FurtherRole, Users
from ostiary.drills.scenarios.reading import EARLIER_HASHES
from ostiary.drills.traffic_plan import invent_people
from ostiary.kernel.ids import SeededRandom


def order(name, mode=Mode.GUARDED):
    return DrillOrder(scenario(name), mode, None, seed=1)


def test_users_are_shared_out_to_applications_by_their_shares():
    people = with_applications(invent_people(60, SeededRandom(1)), scenario("seed-002").content)

    at = [person.application for person in people]
    assert at.count("drill-shop") == 42
    assert at.count(None) == 18
    assert len({person.email for person in people}) == 60


def test_where_hashes_are_to_be_old_the_system_starts_with_the_settings_of_before():
    assert EARLIER_HASHES.items() <= first_settings(order("seed-001"))["identity"].items()
    assert not EARLIER_HASHES.keys() & order("seed-001").settings()["identity"].keys()
    assert first_settings(order("seed-000")) == order("seed-000").settings()


def test_only_what_is_not_guarded_has_no_bake():
    assert order("seed-000", Mode.UNGUARDED).settings()["guard"] == {"bake_seconds": 0}
    assert "guard" not in order("seed-000").settings()


def test_only_a_fault_of_the_edge_goes_past_the_guard_and_only_unguarded():
    assert order("seed-004", Mode.UNGUARDED).passes_by_guard
    assert not order("seed-004").passes_by_guard
    assert not order("seed-002", Mode.UNGUARDED).passes_by_guard


def test_further_roles_come_to_the_share_that_is_stated():
    roles = Users(roles=["member"], further_roles=[FurtherRole(role="clerk", share=0.15)])
    content = scenario("seed-000").content.model_copy(update={"users": roles})

    people = with_roles(invent_people(60, SeededRandom(1)), content)

    assert [person.roles for person in people].count(("member", "clerk")) == 9
    assert [person.roles for person in people].count(("member",)) == 51
    assert {person.looks for person in people} == {None}


def test_of_several_roles_the_last_one_that_says_so_decides_how_often_to_look():
    further = [
        FurtherRole(role="clerk", share=0.5, looks=25),
        FurtherRole(role="head", share=0.2, looks=3),
        FurtherRole(role="guest", share=0.1),
    ]
    content = scenario("seed-000").content.model_copy(
        update={"users": Users(further_roles=further)}
    )

    people = with_roles(invent_people(10, SeededRandom(1)), content)

    assert [person.looks for person in people] == [3, 3, 25, 25, 25, *[None] * 5]
