import os
import signal
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.files import XdsDirectory
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.validation import Validator
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import RefusedError, UsageError
from tests.edge.conftest import TOKEN, Servers
from tests.edge.replicas import Replica, Reply, always
from tests.unit.edge.test_service_model import ORDERS

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


async def test_a_model_is_in_effect_when_apply_returns(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    for share, expected in (
        (1.0, "canary"),
        (0.0, "last good"),
        (1.0, "canary"),
        (None, "last good"),
    ):
        model = servers.model(share)
        applied = await edge.apply(model)
        assert (applied.version, applied.envoys) == (model.version, 1)
        assert 0 < applied.seconds_to_effect < applied.seconds_from_call
        assert (await client.get("/demo")).text == expected


async def test_users_notice_nothing_of_a_change_from_canary_to_last_good(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(1.0))
    promoted = Replica(always(Reply(200, b"promoted", "s-cccccccccccc/ok")))
    answers: list[httpx.Response] = []
    done = anyio.Event()

    async def use() -> None:
        while not done.is_set():
            answers.append(await client.get("/demo"))

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(use)
            servers.extra_stable = (promoted,)
            await edge.apply(servers.model(1.0))
            await edge.apply(servers.model(0.5))
            await edge.apply(servers.model())
            await edge.apply(servers.model(1.0))
            await edge.apply(servers.model())
            done.set()
    finally:
        promoted.close()

    assert {answer.status_code for answer in answers} == {200}


async def test_a_model_that_envoy_does_not_take_changes_nothing(
    servers: Servers, place: EdgePlace, client: httpx.AsyncClient
) -> None:
    edge = Edge(place, count=1, clock=SystemClock())
    try:
        await edge.start(servers.model())
        before = _files(place)

        with pytest.raises(RefusedError) as caught:
            await edge.apply(_broken(servers.model(1.0)))

        assert "malformed IP address" in caught.value.message
        assert "nowhere" in caught.value.message
        assert TOKEN not in str(caught.value)
        assert len(caught.value.message) < 600
        assert _files(place) == before
        assert (await client.get("/demo")).text == "last good"
    finally:
        await edge.stop()


async def test_what_only_a_running_envoy_refuses_is_taken_back(
    servers: Servers, place: EdgePlace, client: httpx.AsyncClient
) -> None:
    edge = Edge(place, count=2, clock=SystemClock(), check=lambda _: None)
    try:
        await edge.start(servers.model())
        before = _resources(place)

        with pytest.raises(RefusedError, match="malformed IP address") as caught:
            await edge.apply(_broken(servers.model(1.0)))

        assert caught.value.code == "edge_refused"
        assert TOKEN not in str(caught.value)
        assert _resources(place) == before
        assert (await client.get("/demo")).text == "last good"
        await edge.apply(servers.model(1.0))
        assert (await client.get("/demo")).text == "canary"
    finally:
        await edge.stop()


async def test_an_envoy_that_hangs_is_replaced_by_one_that_serves_the_model(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(1.0))
    (hanging,) = edge.pids
    os.kill(hanging, signal.SIGSTOP)

    applied = await edge.apply(servers.model(0.0))

    assert applied.envoys == 1
    assert hanging not in edge.pids
    assert (await client.get("/demo")).text == "last good"


def test_a_form_that_was_validated_is_not_validated_again(
    servers: Servers, place: EdgePlace
) -> None:
    place.directory.mkdir(parents=True)
    binary = place.directory / "envoy"
    binary.symlink_to(place.envoy_path)
    validator = Validator(
        EdgePlace(place.directory, place.listen_host, place.listen_port, TOKEN, binary)
    )
    validator.check(servers.model(0.25))
    binary.unlink()

    validator.check(servers.model(0.25))
    with pytest.raises(UsageError):
        validator.check(servers.model(0.5))


async def test_the_way_back_from_a_canary_is_validated_together_with_it(
    servers: Servers, place: EdgePlace
) -> None:
    judged: list[EdgeModel] = []
    edge = Edge(place, clock=SystemClock(), check=judged.append)
    model = servers.model(0.25)

    await edge.prevalidate(model)

    assert judged == [model, replace(model, canary=None)]

    judged.clear()
    of_service = replace(model, canary=None, services=(ORDERS,))
    await edge.prevalidate(of_service)
    await edge.prevalidate(of_service.without_canaries)

    alone = replace(of_service, services=(replace(ORDERS, canary=None),))
    assert judged == [of_service, alone, alone]


def _broken(model: EdgeModel) -> EdgeModel:
    """Return a model that our own checks would not have let through."""
    assert model.canary is not None
    object.__setattr__(model.canary.endpoints[0], "host", "nowhere")
    return model


def _files(place: EdgePlace) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (place.directory / "xds").rglob("*.json")}


def _resources(place: EdgePlace) -> list[object]:
    directory = XdsDirectory(place.directory)
    return [directory.read(name) for name in ("cds.json", "lds.json", "rds.json")]
