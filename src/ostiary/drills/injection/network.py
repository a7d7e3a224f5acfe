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
from ostiary.drills.scenarios.environment_kinds import DatabaseSlow, NetworkDelay, NetworkLoss
from ostiary.kernel.clock import Clock
from ostiary.runtime.ports import IDENTITY
from ostiary.runtime.replica_files import ReplicaFiles

_ANSWER_SECONDS_MAX: Final = 30.0
_EFFECT_SECONDS_MAX: Final = 60.0
_CONNECT_SECONDS_MAX: Final = 10
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
        least = fault.milliseconds / 1000
        _wait(place, lambda: _database_seconds(place) >= least, "the database is as fast as before")
        yield


@contextmanager
def network_delay(place: InjectionPlace, fault: NetworkDelay) -> Iterator[None]:
    """Let everything that is sent take longer."""
    rules = Rules(milliseconds=fault.milliseconds, jitter=fault.jitter)
    least = max(0.0, 2 * (fault.milliseconds - fault.jitter)) / 1000
    with _worse(place, fault, rules) as ask:
        _wait(place, lambda: ask() >= least, "the network is as fast as before")
        yield


@contextmanager
def network_loss(place: InjectionPlace, fault: NetworkLoss) -> Iterator[None]:
    """Let a share of what is sent get lost."""
    rules = Rules(share=fault.share, cut=fault.cut)
    with _worse(place, fault, rules) as ask:
        _wait(place, lambda: ask() >= _LOST_SECONDS, "nothing gets lost")
        yield


@contextmanager
def _worse(
    place: InjectionPlace, fault: NetworkDelay | NetworkLoss, rules: Rules
) -> Iterator[Callable[[], float]]:
    """Put rules in force; yield what asks a question that way and returns its seconds."""
    if fault.between == "replicas_database":
        network, ask = server_of(place).network, _database_seconds
    else:
        network, ask = edge_network(place.directory), _replica_seconds
    with network.worse(rules):
        yield lambda: ask(place)


def _wait(place: InjectionPlace, met: Callable[[], bool], what: str) -> None:
    wait_until(met, place.clock, _EFFECT_SECONDS_MAX, what)


def _database_seconds(place: InjectionPlace) -> float:
    """Return how long the database takes for a question as replicas ask it."""

    def ask() -> None:
        url = server_of(place).url
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS_MAX) as connection:
            connection.execute("SELECT 1")

    return _seconds(ask, place.clock)


def _replica_seconds(place: InjectionPlace) -> float:
    """Return how long a replica takes for a question as the edge asks it; 0 without replicas."""
    records = ReplicaFiles(place.system.data / "replicas").records()
    replicas = [each.replica for each in records if each.replica is not None]
    first = next((each for each in replicas if each.service == IDENTITY), None)
    if first is None:
        return 0.0
    url = f"http://{first.host}:{first.health_port}/live"

    def ask() -> None:
        httpx.get(url, timeout=_ANSWER_SECONDS_MAX, trust_env=False)

    return _seconds(ask, place.clock)


def _seconds(ask: Callable[[], object], clock: Clock) -> float:
    """Return how long a question took; for ever, where it was not answered."""
    began = clock.monotonic()
    try:
        ask()
    except (httpx.HTTPError, psycopg.OperationalError):
        return float("inf")
    return clock.monotonic() - began
