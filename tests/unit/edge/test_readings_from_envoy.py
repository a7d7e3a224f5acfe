from dataclasses import replace

import pytest

from ostiary.edge.access_stats import DURATION_BUCKETS_MS
from ostiary.edge.bootstrap import CLUSTER_FILE, ROUTE_FILE
from ostiary.edge.confirmation import SubscriptionState, parse_state
from ostiary.edge.health import CanaryHealth, parse_canary_health
from ostiary.edge.latencies import (
    Latencies,
    LatencyKey,
    latency_difference,
    parse_latencies,
    total_latencies,
)
from ostiary.edge.route_classes import Arm, Served
from ostiary.edge.validation import readable_reason

NONE = (0,) * len(DURATION_BUCKETS_MS)
KEY = LatencyKey("token", Arm.CONTROL, Served.LAST_GOOD, first=True)


def _with(index: int, count: int) -> Latencies:
    return Latencies({KEY: (*NONE[:index], count, *NONE[index + 1 :])})


def test_durations_are_read_by_route_arm_and_attempt() -> None:
    buckets = [{"upper_bound": end, "interval": 0, "cumulative": 2} for end in DURATION_BUCKETS_MS]
    name = "ostiary.duration.route.token.control.served.last_good.attempt.1"
    histograms = [{"name": name, "buckets": buckets}, {"name": "other", "buckets": []}]

    parsed = parse_latencies({"stats": [{"name": "x", "value": 1}, {"histograms": histograms}]})

    assert parsed == Latencies({KEY: (2,) * len(DURATION_BUCKETS_MS)})
    assert parse_latencies({"stats": []}) == Latencies()


def test_durations_add_up_and_can_be_taken_away() -> None:
    both = total_latencies([_with(0, 3), _with(4, 1)])
    assert latency_difference(both, _with(0, 3)) == _with(4, 1)


def test_after_a_restart_all_durations_are_new() -> None:
    assert latency_difference(_with(0, 1), _with(0, 3)) == _with(0, 1)
    assert latency_difference(Latencies(), _with(0, 3)) == Latencies()


def test_durations_that_envoy_let_go_make_no_others_new() -> None:
    other = replace(KEY, first=not KEY.first)
    both = Latencies({KEY: _with(0, 3).buckets[KEY], other: _with(0, 5).buckets[KEY]})
    assert latency_difference(_with(0, 4), both) == _with(0, 1)


def test_the_state_of_a_file_is_its_version_refusals_and_what_is_warming() -> None:
    text = (
        'cluster_manager.cds.version_text: "abc"\ncluster_manager.cds.update_rejected: 1\n'
        "cluster_manager.cds.update_failure: 2\ncluster_manager.warming_clusters: 1\n"
    )
    assert parse_state(text, CLUSTER_FILE) == SubscriptionState("abc", refusals=3, warming=1)
    assert parse_state("", ROUTE_FILE) == SubscriptionState("", refusals=0, warming=0)


def test_only_the_canary_s_own_hosts_count_for_its_health() -> None:
    hosts = [
        {"health_status": {"eds_health_status": "HEALTHY"}},
        {"health_status": {"failed_active_health_check": True}},
        {"health_status": {"eds_health_status": "HEALTHY"}, "priority": 1},
    ]
    answer = {
        "cluster_statuses": [
            {"name": "stable", "host_statuses": hosts},
            {"name": "canary", "host_statuses": hosts},
        ]
    }
    assert parse_canary_health(answer) == CanaryHealth(healthy=1, hosts=2)
    assert parse_canary_health({}) == CanaryHealth(0, 0)


PREFIX = "[2026-11-20 22:01:56.518][11768][critical][main] [source/server/x.cc:76] "
START = "error initializing configuration"


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            f"{PREFIX}{START} '/tmp/a.json': route: unknown cluster 'x'\n",
            "route: unknown cluster 'x'",
        ),
        (
            f'{START}: debug\nkey: secret\n}} (Bad.X | caused by field: "t", reason: b)\n',
            'field: "t", reason: b',
        ),
        ("cannot use secret here\n", "cannot use … here"),
        ("", "it gave no reason"),
        ("x" * 1000, "x" * 400 + "…"),
    ],
)
def test_a_reason_is_one_short_line_without_the_secret(output: str, reason: str) -> None:
    assert readable_reason(output, "secret") == reason
