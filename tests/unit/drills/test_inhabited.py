"""People who are let again and again: not with the same choices each time."""

from contextlib import contextmanager

from ostiary.drills import inhabited
from ostiary.drills.inhabited import Inhabited
from tests.fakes.clock import FakeClock
from tests.unit.drills.injection.places import order_of, place_of


class Visits:
    def wait_for_visits(self, count, seconds):
        assert count == 1


def test_each_time_somebody_else_mistypes_a_password(tmp_path, monkeypatch):
    seeds = []

    @contextmanager
    def flowing(plan, directory, clock):
        seeds.append(plan.seed)
        yield Visits()

    monkeypatch.setattr(inhabited, "flowing", flowing)
    place = place_of(order_of({"kind": "stuffing"}), tmp_path, tmp_path)
    application, plan = place.plan.application, place.plan
    lived_in = Inhabited(place.system, application, tmp_path, tmp_path, plan, FakeClock())
    for _ in range(3):
        with lived_in.visited():
            pass
    assert seeds == [1, 2, 3]
