"""Members that somebody else runs, behind the port of local replicas."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.runtime.addresses import read_address
from ostiary.runtime.endpoints import EndpointsRuntime
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError, ReplicaSpec
from ostiary.runtime.runtimes import Runtimes
from tests.unit.watch.small_provider.wire import HttpServer, Request, Response


@pytest.fixture
def status() -> list[int]:
    """The status that the member answers with at its health path."""
    return [200]


@pytest.fixture
def address(status: list[int]):
    def answer(request: Request) -> Response:
        return Response(status[0] if request.path == "/op/health" else 404, "")

    server = HttpServer(answer)
    yield server.url.removeprefix("http://")
    server.close()


@pytest.fixture
def runtime(tmp_path: Path) -> EndpointsRuntime:
    return EndpointsRuntime(tmp_path, clock=SystemClock())


def spec(*addresses: str, name: str = "login-1", seat: int = 0) -> ReplicaSpec:
    settings = {
        "runtime": "endpoints",
        "group": "blue",
        "groups": {"blue": addresses, "green": ["10.0.0.1:1"]},
        "health": "/op/health",
    }
    return ReplicaSpec(
        service="login",
        name=name,
        snapshot="s-1",
        release="",
        settings=settings,
        flags={},
        issuer="http://login.example.test",
        database_url="",
        status_url="",
        seat=seat,
    )


def ready(runtime: EndpointsRuntime, replica: Replica, seconds: float = 5) -> None:
    asyncio.run(runtime.wait_ready(replica, seconds))


def test_a_member_is_taken_asked_and_forgotten_and_runs_on(runtime, address):
    replica = runtime.start(spec("10.0.0.2:1", address, seat=1))

    assert f"{replica.host}:{replica.port}" == address
    assert replica.is_run_elsewhere
    assert (replica.pid, replica.seat, replica.health_port) == (None, 1, replica.port)
    ready(runtime, replica)
    assert runtime.alive(replica)
    assert (runtime.memory_mib(replica), runtime.log_tail(replica)) == (0.0, [])
    assert runtime.how_it_ended(replica) is None
    assert asyncio.run(runtime.stop(replica, 0)) is True
    assert runtime.adopt() == []
    ready(runtime, replica)


def test_the_next_guard_knows_the_members(runtime, address, tmp_path):
    replica = runtime.start(spec(address))

    assert EndpointsRuntime(tmp_path, clock=SystemClock()).adopt() == [replica]
    with pytest.raises(UsageError):
        runtime.start(spec(address))


def test_a_damaged_record_is_dropped(runtime, address, tmp_path):
    replica = runtime.start(spec(address))
    (tmp_path / "endpoints" / f"{replica.name}.json").write_text('{"name": 3}')

    assert runtime.adopt() == []
    assert runtime.start(spec(address)).name == replica.name


@pytest.mark.parametrize(("answered", "words"), [(503, "HTTP 503"), (302, "HTTP 302")])
def test_a_member_that_is_not_healthy_is_told_by_its_address(
    runtime, address, status, answered, words
):
    status[0] = answered
    replica = runtime.start(spec(address))

    with pytest.raises(ReplicaFailedError) as raised:
        ready(runtime, replica, 0.3)

    assert raised.value.reason is FailureReason.TOO_SLOW
    assert address in str(raised.value)
    assert words in str(raised.value)


def test_a_seat_beyond_the_group_is_refused(runtime, address):
    with pytest.raises(OstiaryError, match="no member 2"):
        runtime.start(spec(address, seat=1))


def test_each_replica_is_looked_after_by_its_own_runtime(runtime, address, tmp_path):
    other = EndpointsRuntime(tmp_path / "local", clock=SystemClock())
    both = Runtimes(other, runtime)

    replica = both.start(spec(address))
    local = both.start(
        replace(spec(address, name="x"), settings={**spec(address).settings} | {"runtime": "local"})
    )

    assert runtime.adopt() == [replica]
    assert other.adopt() == [local]
    assert {each.name for each in both.adopt()} == {"login-1", "x"}
    asyncio.run(both.wait_ready(replica, 5))
    assert both.alive(replica)
    assert both.how_it_ended(replica) is None
    assert (both.memory_mib(replica), both.log_tail(replica)) == (0.0, [])
    assert asyncio.run(both.stop(replica, 0))


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.1:3000", ("10.0.0.1", 3000)), ("[::1]:1", ("::1", 1)), ("a:65535", ("a", 65535))],
)
def test_an_address_is_read(address, expected):
    assert read_address(address) == expected


@pytest.mark.parametrize(
    "address", ["", ":", "a", "a:", ":1", "[::1]", "::1", "a:-1", "a:1e3", "a:٣"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match=r"^(which|whose|of which)"):
        read_address(address)
