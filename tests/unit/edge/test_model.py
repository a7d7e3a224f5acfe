from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.edge.model import CanaryArm, EdgeModel, EdgePlace, Endpoint, Lease
from ostiary.kernel.errors import ExitCode, RefusedError

GOOD = Endpoint("good-1", "127.0.0.1", 4001, 4002)
NEW = Endpoint("new-1", "127.0.0.1", 4003, 4004)
LEASE = Lease("c-1", "e-1", "127.0.0.1", 4009)
ARM = CanaryArm("s-new", (NEW,), 0.1, LEASE)
MODEL = EdgeModel("v1", "s-good", (GOOD,), ARM, "")


@pytest.mark.parametrize("share", [0, 0.0, 0.05, 1, 1.0])
def test_shares_from_none_to_all_are_possible(share: float) -> None:
    assert replace(ARM, share=share).share == share


@pytest.mark.parametrize("share", [-0.1, 1.01, 5, float("nan"), float("inf")])
def test_other_shares_are_refused(share: float) -> None:
    with pytest.raises(RefusedError, match="share"):
        replace(ARM, share=share)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_one_that_exists(port: int) -> None:
    for build in (
        lambda: replace(GOOD, port=port),
        lambda: replace(GOOD, health_port=port),
        lambda: replace(LEASE, port=port),
    ):
        with pytest.raises(RefusedError, match=str(port)):
            build()


@pytest.mark.parametrize("host", ["", "localhost", "identity.local", "1.2.3", "::g"])
def test_a_host_is_an_address(host: str) -> None:
    with pytest.raises(RefusedError, match="no IP address"):
        replace(GOOD, host=host)


def test_an_address_may_be_of_either_kind() -> None:
    assert replace(GOOD, host="::1").host == "::1"


@pytest.mark.parametrize("weight", [0, -1, 129])
def test_a_weight_is_a_small_positive_number(weight: int) -> None:
    with pytest.raises(RefusedError, match="weight of endpoint good-1"):
        replace(GOOD, weight=weight)


@pytest.mark.parametrize("text", ["", "a/b", "a b", "-a", "a\n", "a" * 65, "ä"])
def test_names_that_go_into_paths_and_expressions_are_plain(text: str) -> None:
    for build in (
        lambda: replace(GOOD, name=text),
        lambda: replace(LEASE, change=text),
        lambda: replace(LEASE, epoch=text),
        lambda: replace(ARM, snapshot=text),
        lambda: replace(MODEL, last_good=text),
    ):
        with pytest.raises(RefusedError):
            build()


def test_without_a_stable_endpoint_there_is_no_model() -> None:
    with pytest.raises(RefusedError, match="last good"):
        replace(MODEL, stable=())


def test_without_a_canary_endpoint_there_is_no_canary() -> None:
    with pytest.raises(RefusedError, match="no endpoint"):
        replace(ARM, endpoints=())


@pytest.mark.parametrize("twin", [replace(GOOD, name="other"), replace(NEW, name="good-1")])
def test_two_endpoints_share_neither_name_nor_address(twin: Endpoint) -> None:
    with pytest.raises(RefusedError, match="Two endpoints have the same"):
        replace(MODEL, canary=replace(ARM, endpoints=(twin,)))


def test_a_second_opinion_needs_two_snapshots() -> None:
    with pytest.raises(RefusedError, match="same snapshot"):
        replace(MODEL, last_good="s-new")


def test_the_time_for_a_request_leaves_room_for_a_second_opinion() -> None:
    with pytest.raises(RefusedError, match="no room"):
        replace(MODEL, per_try_timeout_s=2.0, route_timeout_s=4.0)
    with pytest.raises(RefusedError, match="above 0"):
        replace(MODEL, per_try_timeout_s=0.0)


@pytest.mark.parametrize(
    "url", ["status", "javascript:alert(1)", 'https://a"><script>', "https://a b"]
)
def test_a_status_page_is_a_web_address(url: str) -> None:
    with pytest.raises(RefusedError, match="status page"):
        replace(MODEL, status_url=url)


def test_a_refusal_has_the_exit_code_of_a_check() -> None:
    with pytest.raises(RefusedError) as caught:
        replace(MODEL, stable=())
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.hint


def test_the_path_of_a_lease_names_change_and_epoch() -> None:
    assert LEASE.path == "/lease/c-1/e-1"


@pytest.mark.parametrize(
    "token", ["", "tiny-one", "a" * 15, "with space in it here", "line\nbreak-here-too"]
)
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(RefusedError) as caught:
        EdgePlace(Path("/x"), "127.0.0.1", 8000, token, Path("/envoy"))
    assert not token or token not in str(caught.value)


def test_the_token_is_not_in_the_representation_of_a_place() -> None:
    place = EdgePlace(Path("/x"), "127.0.0.1", 8000, "a-very-secret-token", Path("/envoy"))
    assert "a-very-secret-token" not in repr(place)
