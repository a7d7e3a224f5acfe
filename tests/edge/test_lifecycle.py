import json
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.model import EdgePlace
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.processes import is_alive, send_signal
from tests.edge.conftest import TOKEN, Servers, until
from tests.edge.replicas import Reply, Request

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


@pytest.fixture
async def pair(place: EdgePlace) -> AsyncIterator[Edge]:
    edge = Edge(place, count=2, clock=SystemClock())
    try:
        yield edge
    finally:
        await edge.stop()


async def test_two_envoys_share_the_port_and_one_is_enough(
    servers: Servers, pair: Edge, client: httpx.AsyncClient
) -> None:
    await pair.start(servers.model())
    first, second = pair.records
    assert send_signal(first, signal.SIGKILL)
    await until(lambda: _gone(pair, first.pid))

    assert await _get_with_one_retry(client) == "last good"
    restarted = [await pair.restart(index) for index in range(2)]
    (new_pid,) = [pid for pid in restarted if pid is not None]

    assert sorted(pair.pids) == sorted([new_pid, second.pid])
    assert [await pair.restart(index) for index in range(2)] == [None, None]
    assert send_signal(second, signal.SIGKILL)
    await until(lambda: _gone(pair, second.pid))
    assert await _get_with_one_retry(client) == "last good"


async def test_a_restarted_envoy_serves_what_was_applied_while_it_was_dead(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())
    (record,) = edge.records
    assert send_signal(record, signal.SIGKILL)
    await until(lambda: _gone(edge, record.pid))

    assert (await edge.apply(servers.model(1.0))).envoys == 0
    await edge.restart(0)

    assert (await client.get("/demo")).text == "canary"


async def test_a_second_edge_takes_over_running_envoys_and_their_counts(
    servers: Servers, pair: Edge, place: EdgePlace, client: httpx.AsyncClient
) -> None:
    await pair.start(servers.model(1.0))
    await client.get("/demo")
    pids = pair.pids
    await pair.detach()

    successor = Edge(place, count=2, clock=SystemClock())
    await successor.start(servers.model())

    assert successor.pids == pids
    assert (await client.get("/demo")).text == "last good"
    strata = (await successor.counters()).strata()
    assert strata["page", "canary"].requests == 1
    assert strata["page", "stable"].requests == 1
    await successor.detach()


async def test_envoys_that_were_started_differently_are_replaced_one_after_the_other(
    servers: Servers, pair: Edge, place: EdgePlace, client: httpx.AsyncClient
) -> None:
    await pair.start(servers.model())
    before = pair.records
    for file in place.directory.glob("envoy-*.json"):
        file.write_text(
            json.dumps({**json.loads(file.read_text()), "launch": "of a former version"})
        )
    await pair.detach()
    texts = []
    done = anyio.Event()

    async def use() -> None:
        while not done.is_set():
            texts.append(await _get_with_one_retry(client))

    successor = Edge(place, count=2, clock=SystemClock())
    async with anyio.create_task_group() as group:
        group.start_soon(use)
        await successor.start(servers.model())
        done.set()

    assert not any(is_alive(record) for record in before)
    assert len(successor.pids) == 2
    assert set(texts) == {"last good"}
    await successor.stop()


async def test_an_envoy_that_is_no_longer_wanted_is_ended(
    servers: Servers, pair: Edge, place: EdgePlace
) -> None:
    await pair.start(servers.model())
    first, second = pair.records
    await pair.detach()

    successor = Edge(place, count=1, clock=SystemClock())
    await successor.start(servers.model())

    assert is_alive(first)
    assert not is_alive(second)
    await successor.stop()


async def test_envoys_without_a_guard_can_be_ended(
    servers: Servers, pair: Edge, place: EdgePlace
) -> None:
    await pair.start(servers.model())
    records = pair.records
    await pair.detach()

    assert await Edge(place, clock=SystemClock()).stop_leftovers()
    assert not any(is_alive(record) for record in records)
    assert not await Edge(place, clock=SystemClock()).stop_leftovers()


async def test_stopping_answers_requests_under_way_and_leaves_nothing_behind(
    servers: Servers, edge: Edge, place: EdgePlace, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())
    (record,) = edge.records
    release = _Gate()

    def slow(_: Request) -> Reply:
        release.wait()
        return Reply(200, b"in time", "s-aaaaaaaaaaaa/ok")

    servers.last_good.answer = slow
    answers: list[httpx.Response] = []

    async def ask() -> None:
        answers.append(await client.get("/demo"))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await until(lambda: _has_seen(servers))
        group.start_soon(edge.stop)
        await until(lambda: _refuses_connections(place))
        release.open()

    assert answers[0].text == "in time"
    assert not is_alive(record)
    assert not (place.directory / "envoy-0.json").exists()


async def test_a_taken_port_is_said_and_nothing_is_left_running(
    servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    with socket.socket() as foreign:
        foreign.bind((place.listen_host, place.listen_port))
        foreign.listen()
        with pytest.raises(UsageError) as caught:
            await edge.start(servers.model())

    assert caught.value.code == "port_taken"
    assert str(place.listen_port) in caught.value.message
    assert edge.pids == []


async def test_a_port_that_is_taken_in_the_last_moment_is_said_too(
    servers: Servers, edge: Edge, place: EdgePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.edge.edge.check_port_free", lambda *_: None)
    with socket.socket() as foreign:
        foreign.bind((place.listen_host, place.listen_port))
        foreign.listen()
        with pytest.raises(UsageError) as caught:
            await edge.start(servers.model())

    assert caught.value.code == "edge_not_started"
    assert "in use" in caught.value.message
    assert edge.pids == []


async def test_an_address_of_another_machine_is_said(servers: Servers, place: EdgePlace) -> None:
    edge = Edge(replace(place, listen_host="203.0.113.7"), clock=SystemClock())
    with pytest.raises(UsageError, match="Nothing can listen"):
        await edge.start(servers.model())
    assert edge.pids == []


async def test_a_missing_binary_is_said(servers: Servers, place: EdgePlace) -> None:
    edge = Edge(replace(place, envoy_path=Path("/nowhere/envoy")), clock=SystemClock())
    with pytest.raises(UsageError, match="/nowhere/envoy") as caught:
        await edge.start(servers.model())
    assert caught.value.code == "envoy_not_run"


async def test_an_envoy_that_ends_at_once_is_reported_with_its_last_words(
    servers: Servers, place: EdgePlace, tmp_path: Path
) -> None:
    broken = tmp_path / "envoy"
    broken.write_text(f"#!/bin/sh\necho cannot go on, {TOKEN}\nexit 1\n")
    broken.chmod(0o755)
    edge = Edge(replace(place, envoy_path=broken), clock=SystemClock(), check=lambda _: None)

    with pytest.raises(UsageError, match="cannot go on") as caught:
        await edge.start(servers.model())

    assert caught.value.code == "edge_not_started"
    assert TOKEN not in str(caught.value)


async def test_secrets_are_in_no_argument_and_no_environment_and_files_are_private(
    servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    await edge.start(servers.model(0.5))

    (pid,) = edge.pids
    process = Path(f"/proc/{pid}")
    assert TOKEN.encode() not in (process / "cmdline").read_bytes()
    assert (process / "environ").read_bytes() == b""
    for path in place.directory.rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600
        is_log = path.suffix == ".log"
        assert path.stat().st_mode & 0o777 & ~allowed == 0 or is_log, path
        if is_log:
            assert TOKEN.encode() not in path.read_bytes()


async def test_a_long_directory_name_does_not_keep_the_edge_from_starting(
    servers: Servers, place: EdgePlace, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    deep = tmp_path.joinpath(*["a-directory-with-a-long-name"] * 5)
    edge = Edge(replace(place, directory=deep), count=1, clock=SystemClock())
    try:
        await edge.start(servers.model())
        assert (await client.get("/demo")).text == "last good"
    finally:
        await edge.stop()


class _Gate:
    def __init__(self) -> None:
        self._pair = socket.socketpair()

    def open(self) -> None:
        self._pair[0].close()

    def wait(self) -> None:
        self._pair[1].recv(1)
        self._pair[1].close()


async def _gone(edge: Edge, pid: int) -> bool:
    return pid not in edge.pids


async def _has_seen(servers: Servers) -> bool:
    return bool(servers.last_good.seen)


async def _refuses_connections(place: EdgePlace) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((place.listen_host, place.listen_port)) != 0


async def _get_with_one_retry(client: httpx.AsyncClient) -> str:
    """Ask as a browser does: a kept connection dies with its Envoy, and is opened once more."""
    try:
        return (await client.get("/demo")).text
    except httpx.TransportError:
        return (await client.get("/demo")).text
