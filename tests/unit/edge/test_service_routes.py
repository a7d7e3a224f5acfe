"""Routes and policies of a service in canary, without an Envoy."""

import re
from dataclasses import replace
from typing import Any

import pytest

from ostiary.edge.route_classes import Arm, keeps_control, service_strata
from ostiary.edge.service_clusters import service_clusters
from ostiary.edge.service_policies import SETTLED, retry_policy, route_timeout_s
from ostiary.edge.services import service_routes
from ostiary.kernel.outcomes import PIN_HEADER
from tests.unit.edge.test_service_model import CANARY, GOOD, NEW, ORDERS

TOKEN = "edge-token-for-tests"
ALONE = replace(ORDERS, canary=None)


def _arms(share: float | None, kind: str = "safe") -> list[str]:
    canary = None if share is None else replace(CANARY, share=share)
    routes = service_routes(replace(ORDERS, canary=canary), TOKEN)
    first = [each for each in routes if each["name"].startswith(f"service_orders_1_{kind}.")]
    return [each["name"].partition(".")[2] for each in first]


@pytest.mark.parametrize(
    ("share", "arms"),
    [
        (None, ["stable"]),
        (0.0, ["pinned", "stable"]),
        (0.1, ["pinned", "canary", "control", "stable"]),
        (0.5, ["pinned", "canary", "control"]),
        (1.0, ["pinned", "canary"]),
    ],
)
def test_the_arms_of_a_share_stand_in_matching_order(share: float | None, arms: list[str]) -> None:
    assert _arms(share) == arms


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 1.0])
def test_what_may_have_been_done_keeps_a_control_arm_as_long_as_there_is_a_canary(
    share: float,
) -> None:
    assert _arms(share, "unsafe") == ["pinned", "canary", "control"]
    strata = service_strata("orders", 1)
    assert [keeps_control(each) for each in (*strata, "token", "page")] == [False, True] + [
        False
    ] * 2


def test_requests_that_may_be_asked_again_are_told_from_the_others_by_route() -> None:
    again = replace(ALONE, ask_again=("/orders/search", "/baskets"))

    routes = [
        (each["name"], each["match"]["path_separated_prefix"], "headers" in each["match"])
        for each in service_routes(again, TOKEN)
    ]

    assert routes == [
        ("service_orders_1_safe.stable", "/orders/search", False),
        ("service_orders_1_safe.stable", "/orders", True),
        ("service_orders_1_unsafe.stable", "/orders", False),
        ("service_orders_2_safe.stable", "/baskets", False),
        ("service_orders_2_safe.stable", "/baskets", True),
        ("service_orders_2_unsafe.stable", "/baskets", False),
    ]


def test_a_pinned_route_asks_for_the_token_beside_what_else_it_matches() -> None:
    pinned = [
        each["match"]["headers"]
        for each in service_routes(ORDERS, TOKEN)
        if each["name"].endswith(".pinned")
    ]
    assert [len(headers) for headers in pinned] == [2, 1, 2, 1]
    for headers in pinned:
        assert headers[-1] == {"name": PIN_HEADER, "string_match": {"exact": TOKEN}}


@pytest.mark.parametrize(
    ("mine", "theirs", "both"),
    [
        (("/orders/a",), ("/orders/a",), ("/orders/a",)),
        (("/orders",), ("/orders/a",), ("/orders/a",)),
        (("/orders/a",), ("/orders",), ("/orders/a",)),
        (("/orders/a",), ("/orders/b",), ()),
        (("/orders/a",), (), ()),
        ((), ("/orders/a",), ()),
        (("/orders/a", "/baskets"), ("/baskets/x", "/orders/a/b"), ("/orders/a/b",)),
    ],
)
def test_in_canary_a_path_is_asked_again_where_both_versions_say_so(
    mine: tuple[str, ...], theirs: tuple[str, ...], both: tuple[str, ...]
) -> None:
    service = replace(ORDERS, ask_again=mine, canary=replace(CANARY, ask_again=theirs))
    assert service.safe_paths("/orders") == both


@pytest.mark.parametrize(
    "answer", ["canary/200", "canary/304", "last_good/200", "last_good/401", "last_good/404"]
)
def test_plain_successes_of_the_canary_stand_and_last_good_is_never_overruled(answer: str) -> None:
    assert re.fullmatch(SETTLED, answer)


@pytest.mark.parametrize(
    "answer",
    [
        *["", "canary/404", "canary/429", "canary/500", "canary/700", "canary/", "canary/2000"],
        *["last_good/500", "last_good", "other/200", "Canary/200", "canary/200 last_good/200"],
    ],
)
def test_anything_else_is_asked_again(answer: str) -> None:
    assert not re.fullmatch(SETTLED, answer)


def test_each_attempt_has_the_time_of_its_version_and_the_second_its_full_time() -> None:
    service = replace(ORDERS, timeout_s=5, canary=replace(CANARY, timeout_s=20))

    assert retry_policy(service, Arm.CANARY, safe=True)["per_try_timeout"] == "20.000s"
    assert retry_policy(service, Arm.CONTROL, safe=True)["per_try_timeout"] == "5.000s"
    assert route_timeout_s(service, Arm.CANARY) > 25
    assert 10 < route_timeout_s(service, Arm.CONTROL) < 11
    assert route_timeout_s(service, Arm.PINNED) == 20
    assert route_timeout_s(service, Arm.STABLE) == 5
    assert service.longest_timeout_s == route_timeout_s(service, Arm.CANARY)


def test_a_canary_comes_and_goes_without_a_new_listener() -> None:
    # Envoy forgets what the old listener has counted, and closes its connections.
    alone = replace(ORDERS, canary=None)
    assert alone.longest_timeout_s == replace(ORDERS, canary=CANARY).longest_timeout_s
    assert alone.longest_timeout_s > 2 * alone.timeout_s


@pytest.mark.parametrize("arm", [Arm.CANARY, Arm.CONTROL, Arm.STABLE])
def test_what_may_have_been_done_is_asked_again_only_where_nobody_got_it(arm: Arm) -> None:
    policy = retry_policy(ORDERS, arm, safe=False)
    assert policy["retry_on"] == "connect-failure,refused-stream,reset-before-request"
    assert "retriable_headers" not in policy


def test_only_the_canary_is_asked_again_of_whoever_stands_behind_it() -> None:
    for safe in (True, False):
        assert "retry_priority" in retry_policy(ORDERS, Arm.CANARY, safe=safe)
        assert "retry_priority" not in retry_policy(ORDERS, Arm.CONTROL, safe=safe)
        assert retry_policy(ORDERS, Arm.PINNED, safe=safe) == {"num_retries": 0}


def test_a_single_replica_that_is_overloaded_is_not_asked_again() -> None:
    alone = retry_policy(ORDERS, Arm.CONTROL, safe=True)
    two = replace(ORDERS, endpoints=(GOOD, replace(GOOD, name="orders-3", port=5003)))

    assert 503 not in alone["retriable_status_codes"]
    assert 500 in alone["retriable_status_codes"]
    assert retry_policy(two, Arm.CONTROL, safe=True)["retry_on"].startswith("5xx,")


def test_a_heavy_replica_does_not_keep_its_second_attempts() -> None:
    heavy = (replace(GOOD, weight=128), replace(GOOD, name="orders-3", port=5003))
    for arm in (Arm.STABLE, Arm.CONTROL, Arm.CANARY):
        policy = retry_policy(replace(ORDERS, endpoints=heavy), arm, safe=True)
        assert policy["host_selection_retry_max_attempts"] > 1_000


def test_no_name_of_a_service_makes_its_cluster_that_of_another_ones_canary() -> None:
    names = ["orders", "orders_canary", "canary", "canary_orders", "pinned", "stable"]
    clusters = [
        each["name"] for name in names for each in service_clusters(replace(ORDERS, name=name))
    ]
    taken = ["stable", "canary", "pinned"]
    assert len({*clusters, *taken}) == len(clusters) + len(taken)


def test_a_half_healthy_canary_keeps_all_its_first_attempts_and_has_no_limit() -> None:
    two = replace(CANARY, endpoints=(NEW, replace(NEW, name="orders-3", port=5003)))
    limited = replace(ORDERS, requests_max=7, canary=two)

    last_good, canary, pinned = service_clusters(limited)

    assert canary["load_assignment"]["policy"]["overprovisioning_factor"] > 200
    assert canary["common_lb_config"]["healthy_panic_threshold"]["value"] == 0
    assert _limits(last_good) == {7}
    assert min(_limits(canary) | _limits(pinned)) == 1_000_000


def _limits(cluster: dict[str, Any]) -> set[int]:
    return {each["max_requests"] for each in cluster["circuit_breakers"]["thresholds"]}
