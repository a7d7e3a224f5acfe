"""What the guard makes of what replicas tell of their clients."""

import pytest

from ostiary.changes.load.keys import KeySkew, heavy_keys
from ostiary.guard.client_skew import Clients, clients_in, learnt_skew

METRICS = """\
# TYPE ostiary_identity_client_share gauge
ostiary_identity_client_share{rank="1"} 0.5
ostiary_identity_client_share{rank="2"} 0.25
# TYPE ostiary_identity_client_networks gauge
ostiary_identity_client_networks 7.0
ostiary_identity_client_sign_ins 2000.0
"""


def test_the_metrics_of_a_replica_are_read() -> None:
    assert clients_in(METRICS) == Clients((0.5, 0.25), 7, 2000.0)


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        ("client_networks 7.0", "client_networks nan"),
        ("client_networks 7.0", "client_networks 1e300"),
        ("client_sign_ins 2000.0", "client_sign_ins inf"),
        ("client_sign_ins 2000.0", "client_sign_ins many"),
        ('rank="1"} 0.5', 'rank="1"} 0.1'),
        ('rank="1"} 0.5', 'rank="1"} 0.9'),
        ('rank="1"} 0.5', 'rank="3"} 0.5'),
        ('rank="1"} 0.5', 'rank="1"} -0.5'),
        (METRICS, ""),
    ],
)
def test_nonsense_is_not_believed(was, instead) -> None:
    assert clients_in(METRICS.replace(was, instead)) is None


def test_a_skew_is_learnt_from_replicas_that_see_the_same_clients() -> None:
    shares = heavy_keys(KeySkew(1.1, 3_000))[:16]
    told = [Clients(shares, 2_900, 40_000.0), Clients(shares, 3_000, 10_000.0)]

    learnt = learnt_skew(told, clients_differ=False)

    assert learnt is not None
    assert learnt.keys == 3_000
    assert learnt.exponent == pytest.approx(1.1, abs=0.02)


def test_a_skew_is_learnt_from_replicas_that_have_clients_of_their_own() -> None:
    masses = heavy_keys(KeySkew(0.9, 1_000))
    halves = [masses[::2], masses[1::2]]
    told = [
        Clients(tuple(mass / sum(half) for mass in half[:16]), 500, 50_000 * sum(half))
        for half in halves
    ]

    learnt = learnt_skew(told, clients_differ=True)

    assert learnt is not None
    assert learnt.keys == 1_000
    assert learnt.exponent == pytest.approx(0.9, abs=0.02)


def test_a_few_sign_ins_teach_nothing() -> None:
    assert learnt_skew([Clients((0.5, 0.5), 2, 999.0)], clients_differ=False) is None
    assert learnt_skew([], clients_differ=False) is None
