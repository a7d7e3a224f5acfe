import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.edge.arm_fractions import arm_fractions
from ostiary.edge.clusters import clusters
from ostiary.edge.outcome_rules import settled_answers
from ostiary.edge.route_classes import CLASS_NAMES, Arm
from ostiary.edge.routes import route_table
from ostiary.kernel.outcomes import Outcome, OutcomeClass, classify
from tests.unit.edge.test_model import ARM, GOOD, MODEL, NEW

TOKEN = "edge-token-for-tests"


def _routes(share: float | None) -> list[dict[str, Any]]:
    canary = None if share is None else replace(ARM, share=share)
    table = route_table(replace(MODEL, canary=canary), TOKEN)
    routes: list[dict[str, Any]] = table["virtual_hosts"][0]["routes"]
    return routes


def _arms(share: float | None) -> list[str]:
    names = [route["name"] for route in _routes(share)]
    return [name.partition(".")[2] for name in names if name.startswith("token.")]


@given(st.floats(min_value=0, max_value=1))
def test_each_draw_falls_to_one_arm_and_canary_and_control_get_the_same(share: float) -> None:
    lower, sizes = 0, {}
    for arm, upper in arm_fractions(share):
        end = 1_000_000 if upper is None else upper
        assert end > lower
        sizes[arm] = end - lower
        lower = end
    assert lower == 1_000_000
    canary = round(share * 1_000_000)
    assert sizes.get(Arm.CANARY, 0) == canary
    control = min(canary, 1_000_000 - canary)
    assert sizes.get(Arm.CONTROL, 0) == control
    assert sizes.get(Arm.STABLE, 0) == 1_000_000 - canary - control


@pytest.mark.parametrize(
    ("share", "arms"),
    [
        (None, ["stable"]),
        (0.0, ["pinned", "stable"]),
        (0.1, ["pinned", "canary", "control", "stable"]),
        (0.5, ["pinned", "canary", "control"]),
        (0.7, ["pinned", "canary", "control"]),
        (1.0, ["pinned", "canary"]),
    ],
)
def test_the_arms_of_a_share_stand_in_matching_order(share: float | None, arms: list[str]) -> None:
    assert _arms(share) == arms


def test_every_class_has_the_same_arms() -> None:
    names = {route["name"] for route in _routes(0.1)}
    arms = ("pinned", "canary", "control", "stable")
    assert names == {f"{name}.{arm}" for name in CLASS_NAMES for arm in arms} | {"hidden"}


def test_routes_lead_only_to_clusters_that_there_are() -> None:
    for canary in (None, ARM, replace(ARM, share=0.0), replace(ARM, share=1.0)):
        model = replace(MODEL, canary=canary)
        there = {cluster["name"] for cluster in clusters(model)}
        routes = route_table(model, TOKEN)["virtual_hosts"][0]["routes"]
        assert {route["route"]["cluster"] for route in routes if "route" in route} <= there


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_plainly_good_answers_of_a_canary_stand(outcome: Outcome) -> None:
    expression = re.compile(settled_answers(MODEL))
    good = classify(outcome) in {OutcomeClass.OK, OutcomeClass.PROTOCOL}

    assert bool(expression.fullmatch(f"s-new/{outcome}")) == good
    assert expression.fullmatch(f"s-good/{outcome}")


@pytest.mark.parametrize(
    "value",
    ["", "ok", "/ok", "s-new/", "s-new/okay", "x s-new/ok", "s-good/ok,s-new/x", "sxgood/ok"],
)
def test_anything_else_is_asked_again(value: str) -> None:
    assert not re.fullmatch(settled_answers(MODEL), value)


def test_a_dot_in_a_snapshot_stands_for_itself() -> None:
    expression = settled_answers(replace(MODEL, last_good="s.1", canary=None))
    assert re.fullmatch(expression, "s.1/ok")
    assert not re.fullmatch(expression, "sx1/ok")


def test_the_canary_cluster_keeps_first_attempts_with_a_single_healthy_replica() -> None:
    endpoints = tuple(replace(NEW, name=f"new-{n}", port=5000 + n) for n in range(7))
    canary = next(
        each
        for each in clusters(replace(MODEL, canary=replace(ARM, endpoints=endpoints)))
        if each["name"] == "canary"
    )
    factor = canary["load_assignment"]["policy"]["overprovisioning_factor"]
    assert factor * 1 // len(endpoints) >= 100
    assert canary["common_lb_config"]["healthy_panic_threshold"] == {"value": 0}


def test_weights_and_health_ports_reach_the_cluster() -> None:
    (stable,) = clusters(replace(MODEL, canary=None, stable=(replace(GOOD, weight=3),)))
    (endpoint,) = stable["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["load_balancing_weight"] == 3
    assert endpoint["endpoint"]["health_check_config"] == {"port_value": 4002}


def test_a_second_attempt_hardly_waits() -> None:
    for stable in ((GOOD,), (GOOD, replace(GOOD, name="good-2", port=4101))):
        host = route_table(replace(MODEL, stable=stable), TOKEN)["virtual_hosts"][0]
        policies = [
            route["route"].get("retry_policy") for route in host["routes"] if "route" in route
        ]
        for policy in (host["retry_policy"], *policies):
            if policy and policy["num_retries"]:
                assert policy["retry_back_off"]["max_interval"] == "0.01s"
                assert policy["num_retries"] == 1
