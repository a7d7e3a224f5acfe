"""Faults of the network: between the edge and the replicas, or between these and the database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psycopg

from ostiary.drills.faults import Edit
from ostiary.drills.injection.database_server import server_of
from ostiary.drills.injection.edge_relays import edge_network, relay_before_replicas
from ostiary.drills.injection.effect import wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.relay import Rules
from ostiary.drills.injection.relaying import Network
from ostiary.drills.scenarios.environment_kinds import DatabaseSlow, NetworkDelay, NetworkLoss
from ostiary.runtime.ports import IDENTITY
from ostiary.runtime.replica_files import ReplicaFiles

Ask = Callable[[InjectionPlace, int], None]
"""Asks a question and waits for the answer, for so many seconds at most."""

_EFFECT_SECONDS_MAX: Final = 60.0
_SLOW_SECONDS_MAX: Final = 60
"""Longest wait for an answer through a slow network: no delay makes a question take longer."""

_LOST_SECONDS_MAX: Final = 2
"""Longest wait where segments get lost; nobody need see how long it takes in the end."""

_LOST_SECONDS: Final = 0.9
"""A question that takes so long has met a loss: the first time-out is a second."""


def edits_of_network(fault: NetworkDelay | NetworkLoss, directory: Path) -> Sequence[Edit]:
    """Return what a release needs so that the network before its replicas can be made worse."""
    return relay_before_replicas(directory) if fault.between == "edge_replicas" else ()


@contextmanager
def database_slow(place: InjectionPlace, fault: DatabaseSlow) -> Iterator[None]:
    """Let each answer of the database take longer."""
    rules = Rules(milliseconds=fault.milliseconds, answers_only=True)
    with server_of(place).network.worse(rules):
        _wait_until_slow(place, fault.milliseconds / 1000, ask_database)
        yield


@contextmanager
def network_delay(place: InjectionPlace, fault: NetworkDelay) -> Iterator[None]:
    """Let everything that is sent take longer."""
    rules = Rules(milliseconds=fault.milliseconds, jitter=fault.jitter)
    least = max(0.0, 2 * (fault.milliseconds - fault.jitter)) / 1000
    network, ask = _way(place, fault)
    with network.worse(rules):
        _wait_until_slow(place, least, ask)
        yield


@contextmanager
def network_loss(place: InjectionPlace, fault: NetworkLoss) -> Iterator[None]:
    """Let a share of what is sent get lost."""
    network, ask = _way(place, fault)

    def has_lost() -> bool:
        return _seconds(place, ask, _LOST_SECONDS_MAX) >= _LOST_SECONDS

    with network.worse(Rules(share=fault.share, cut=fault.cut)):
        wait_until(has_lost, place.clock, _EFFECT_SECONDS_MAX, "nothing gets lost")
        yield


def _way(place: InjectionPlace, fault: NetworkDelay | NetworkLoss) -> tuple[Network, Ask]:
    """Return the network that the fault is about, and what asks a question through it."""
    if fault.between == "replicas_database":
        return server_of(place).network, ask_database
    return edge_network(place.directory), ask_replica


def _wait_until_slow(place: InjectionPlace, least: float, ask: Ask) -> None:
    """Return once an answer has taken so many seconds; none at all is something else."""

    def is_slow() -> bool:
        return least <= _seconds(place, ask, _SLOW_SECONDS_MAX) < float("inf")

    wait_until(is_slow, place.clock, _EFFECT_SECONDS_MAX, "answers come as fast as before")


def _seconds(place: InjectionPlace, ask: Ask, seconds_max: int) -> float:
    """Return how long an answer took; for ever, where none came."""
    began = place.clock.monotonic()
    try:
        ask(place, seconds_max)
    except (httpx.HTTPError, psycopg.OperationalError):
        return float("inf")
    return place.clock.monotonic() - began


def ask_database(place: InjectionPlace, seconds_max: int) -> None:
    """Ask the database something as replicas do. Raises `psycopg.OperationalError`."""
    with psycopg.connect(server_of(place).url, connect_timeout=seconds_max) as connection:
        connection.execute("SELECT 1")


def ask_replica(place: InjectionPlace, seconds_max: int) -> None:
    """Ask a replica something as the edge does; nobody, where there is none.

    Raises `httpx.HTTPError`.
    """
    records = ReplicaFiles(place.system.data / "replicas").records()
    replicas = [each.replica for each in records if each.replica is not None]
    for replica in [each for each in replicas if each.service == IDENTITY][:1]:
        url = f"http://{replica.host}:{replica.health_port}/live"
        httpx.get(url, timeout=seconds_max, trust_env=False)
