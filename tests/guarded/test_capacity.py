"""The capacity as an operator measures it, and what `status` makes of it."""

import pytest

from tests.guarded.waiting import wait_for
from tests.system import RunningSystem

pytestmark = pytest.mark.system


def test_capacity_is_measured_and_shown_with_the_load(guarded: RunningSystem) -> None:
    before = guarded.ostiary("status")["replicas"]
    assert {(each["capacity"], each["load"]) for each in before} == {(None, None)}

    measured = guarded.ostiary("bench", "capacity", "--seconds", "1")
    assert measured["snapshot"] == guarded.ostiary("status")["last_good"]
    names = {each["name"] for each in before}
    assert {each["name"] for each in measured["replicas"]} == names
    assert measured["sign_ins_per_second"] > 0

    shown = guarded.ostiary("status")["replicas"]
    assert {each["capacity"] for each in shown} == {measured["sign_ins_per_second"]}

    def loads() -> bool:
        rows = guarded.ostiary("status")["replicas"]
        return all(each["load"] is not None for each in rows)

    wait_for(loads, "the load")
    assert guarded.ostiary("user", "list")["users"] == [], "the probes are gone"
