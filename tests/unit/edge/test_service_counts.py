"""What the edge's counters say of services, as evidence reads it."""

import pytest

from ostiary.edge.counter_text import parse_counters
from ostiary.edge.counters import StratumCounts
from ostiary.edge.health import CanaryHealth, parse_canary_health
from ostiary.edge.route_classes import CLASS_NAMES, service_strata

SAFE, UNSAFE = service_strata("orders", 1)
TEXT = f"""
ostiary.attempt.route.{SAFE}.canary.served.canary.attempt.1.outcome.good.kind.none: 70
ostiary.attempt.route.{SAFE}.canary.served.canary.attempt.1.outcome.refused.kind.none: 20
ostiary.attempt.route.{SAFE}.canary.served.canary.attempt.1.outcome.other.kind.none: 10
ostiary.attempt.route.{SAFE}.canary.served.canary.attempt.1.outcome.left.kind.none: 5
ostiary.attempt.route.{SAFE}.canary.served.last_good.attempt.2.outcome.good.kind.none: 12
ostiary.attempt.route.{SAFE}.canary.served.last_good.attempt.2.outcome.refused.kind.none: 15
ostiary.attempt.route.{SAFE}.canary.served.last_good.attempt.2.outcome.other.kind.none: 2
ostiary.attempt.route.{SAFE}.canary.served.last_good.attempt.2.outcome.left.kind.none: 1
ostiary.attempt.route.{SAFE}.canary.served.last_good.attempt.1.outcome.good.kind.none: 40
ostiary.attempt.route.{SAFE}.control.served.last_good.attempt.1.outcome.good.kind.none: 80
ostiary.attempt.route.{SAFE}.control.served.last_good.attempt.1.outcome.other.kind.none: 3
ostiary.attempt.route.{SAFE}.control.served.last_good.attempt.2.outcome.good.kind.none: 3
ostiary.attempt.route.{UNSAFE}.canary.served.canary.attempt.1.outcome.other.kind.none: 4
ostiary.attempt.route.{UNSAFE}.canary.served.canary.attempt.1.outcome.ok.kind.none: 1
ostiary.attempt.route.token.canary.served.canary.attempt.1.outcome.ok.kind.none: 9
ostiary.attempt.route.token.canary.served.canary.attempt.1.outcome.left.kind.none: 2
ostiary.final.route.{UNSAFE}.canary.status.5xx: 3
ostiary.final.route.{UNSAFE}.canary.status.broken: 1
ostiary.final.route.{UNSAFE}.canary.status.4xx: 7
ostiary.final.route.{SAFE}.canary.status.none: 5
"""


def test_a_service_is_compared_by_status_on_its_own_classes_of_routes() -> None:
    assert parse_counters(TEXT).strata(classes=(SAFE, UNSAFE)) == {
        # Who has left is in no number; nor is what a drained canary left to last good.
        (SAFE, "canary"): StratumCounts(
            requests=100, faults=10, refusals=20, overturned=12, disagreements=12
        ),
        (SAFE, "control"): StratumCounts(requests=83, faults=3, overturned=3, disagreements=3),
        # A word that no service's counter can have is a fault.
        (UNSAFE, "canary"): StratumCounts(requests=5, faults=5, final_failures=4),
    }


def test_identity_is_compared_on_its_own_classes_where_nobody_says_otherwise() -> None:
    counters = parse_counters(TEXT)
    # At identity every attempt without an outcome is a fault, whoever went away.
    expected = {("token", "canary"): StratumCounts(requests=11, faults=2)}
    assert counters.strata() == counters.strata(classes=CLASS_NAMES) == expected


def test_a_service_has_two_classes_for_each_route_and_no_two_services_share_one() -> None:
    names = ["orders", "orders_1", "orders_1_safe", "orders_unsafe"]
    strata = [each for name in names for each in service_strata(name, 3)]
    assert len(set(strata)) == len(names) * 3 * 2
    assert not {*strata} & {*CLASS_NAMES}


@pytest.mark.parametrize(
    ("names", "health"),
    [
        (["canary_orders"], CanaryHealth(1, 2)),
        (["canary_orders", "canary_bills"], CanaryHealth(2, 4)),
        (["service_canary_orders", "pinned_orders", "stable"], CanaryHealth(0, 0)),
    ],
)
def test_the_canaries_of_services_that_change_together_are_counted_together(
    names: list[str], health: CanaryHealth
) -> None:
    hosts = [
        {"health_status": {"eds_health_status": "HEALTHY"}},
        {"health_status": {"failed_active_health_check": True}},
        {"health_status": {"eds_health_status": "HEALTHY"}, "priority": 1},
    ]
    answer = {"cluster_statuses": [{"name": name, "host_statuses": hosts} for name in names]}
    assert parse_canary_health(answer) == health
