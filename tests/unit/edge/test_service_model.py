from collections.abc import Callable
from dataclasses import replace

import pytest

from ostiary.edge.endpoints import Endpoint, Lease
from ostiary.edge.model import CanaryArm, EdgeModel
from ostiary.edge.service_model import GuardedService, ServiceCanary
from ostiary.kernel.errors import RefusedError

GOOD = Endpoint("orders-1", "127.0.0.1", 5001, 5001)
NEW = Endpoint("orders-2", "127.0.0.1", 5002, 5002)
LEASE = Lease("c-1", "e-1", "127.0.0.1", 5009)
CANARY = ServiceCanary("s-new", (NEW,), 0.1, LEASE, timeout_s=15)
ORDERS = GuardedService("orders", (GOOD,), ("/orders", "/baskets"), "/health", 15, canary=CANARY)
IDENTITY = Endpoint("good-1", "127.0.0.1", 4001, 4002)
MODEL = EdgeModel("v1", "s-good", (IDENTITY,), None, "", services=(ORDERS,))


@pytest.mark.parametrize("share", [0, 0.0, 0.05, 1, 1.0])
def test_a_canary_gets_a_share_from_none_to_all(share: float) -> None:
    assert replace(CANARY, share=share).share == share


@pytest.mark.parametrize("share", [-0.1, 1.01, 5, float("nan"), float("inf")])
def test_other_shares_are_refused(share: float) -> None:
    with pytest.raises(RefusedError, match="share"):
        replace(CANARY, share=share)


def test_a_canary_without_a_replica_is_none() -> None:
    with pytest.raises(RefusedError, match="no endpoint"):
        replace(CANARY, endpoints=())


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_out_is_some_seconds(seconds: float) -> None:
    for build in (
        lambda: replace(CANARY, timeout_s=seconds),
        lambda: replace(ORDERS, timeout_s=seconds),
    ):
        with pytest.raises(RefusedError, match="time-out"):
            build()


@pytest.mark.parametrize("requests", [0, -1])
def test_a_service_takes_at_least_one_request_at_a_time(requests: int) -> None:
    with pytest.raises(RefusedError, match="requests at a time"):
        replace(ORDERS, requests_max=requests)


@pytest.mark.parametrize("text", ["", "a/b", "a b", "a\n", "a" * 65])
def test_a_snapshot_is_named_plainly(text: str) -> None:
    with pytest.raises(RefusedError, match="canary snapshot"):
        replace(CANARY, snapshot=text)


@pytest.mark.parametrize("twin", [replace(NEW, name="orders-1"), replace(GOOD, name="other")])
def test_canary_and_last_good_share_neither_name_nor_address(twin: Endpoint) -> None:
    with pytest.raises(RefusedError, match="Two endpoints have the same"):
        replace(ORDERS, canary=replace(CANARY, endpoints=(twin,)))


def test_a_service_none_of_whose_replicas_is_ready_may_have_a_canary() -> None:
    assert replace(ORDERS, endpoints=()).canary is CANARY


@pytest.mark.parametrize("path", ["/orders", "/orders/search", "/baskets/a/b"])
def test_paths_below_its_routes_may_be_asked_again(path: str) -> None:
    assert replace(ORDERS, ask_again=(path,)).ask_again == (path,)


@pytest.mark.parametrize(
    "path", ["/orders2", "/", "", "orders/a", "/orders/", "/other", "/orders/*"]
)
def test_other_paths_are_not(path: str) -> None:
    builds: list[Callable[[], object]] = [
        lambda: replace(ORDERS, ask_again=(path,)),
        lambda: replace(ORDERS, canary=replace(CANARY, ask_again=(path,))),
    ]
    for build in builds:
        with pytest.raises(RefusedError, match="asked again"):
            build()


def test_identity_and_a_service_are_not_in_canary_at_the_same_time() -> None:
    new = Endpoint("new-1", "127.0.0.1", 4003, 4004)
    with pytest.raises(RefusedError, match="Identity and the service orders are both in canary"):
        replace(MODEL, canary=CanaryArm("s-new", (new,), 0.1, LEASE))


def test_several_services_may_be_in_canary_together() -> None:
    other = replace(
        ORDERS,
        name="bills",
        routes=("/bills",),
        canary=replace(CANARY, endpoints=(replace(NEW, name="bills-2", port=5003),)),
    )
    model = replace(MODEL, services=(ORDERS, other))
    assert [each.canary is not None for each in model.services] == [True, True]
