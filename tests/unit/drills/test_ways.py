"""In which ways drills are run."""

from ostiary.drills.mode import Mode
from ostiary.drills.scenarios.catalogue import find_scenarios
from ostiary.drills.ways import ModeChoice, orders_of


def ways(*names: str, choice: ModeChoice, start: str | None = None) -> list[tuple[str, str]]:
    orders = orders_of(find_scenarios(list(names)), choice, start, 7)
    assert {order.seed for order in orders} == {7}
    return [(order.scenario.name, order.way) for order in orders]


def test_one_mode_is_one_way() -> None:
    assert ways("seed-000", "seed-004", choice=ModeChoice.GUARDED, start="bake") == [
        ("seed-000", "guarded from bake"),
        ("seed-004", "guarded from bake"),
    ]
    assert ways("seed-000", choice=ModeChoice.UNGUARDED) == [("seed-000", "unguarded")]


def test_all_ways_of_a_drill_follow_each_other() -> None:
    assert ways("seed-000", "seed-001", choice=ModeChoice.ALL) == [
        (name, way)
        for name in ("seed-000", "seed-001")
        for way in ("unguarded", "guarded", "guarded from canary")
    ]


def test_where_nothing_is_proposed_no_stage_can_be_begun_at() -> None:
    assert ways("database-locked", choice=ModeChoice.ALL) == [
        ("database-locked", "unguarded"),
        ("database-locked", "guarded"),
    ]


def test_every_mode_can_be_chosen() -> None:
    assert {each.value for each in ModeChoice} == {each.value for each in Mode} | {"all"}
