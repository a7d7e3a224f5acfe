"""A replica process that is killed at a point of the one request that it is asked."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from falcon import testing

from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.wiring import build
from ostiary.kernel.ids import SystemRandom
from tests.conformance.asking_twice.interruption import Point, die, interrupted
from tests.fakes.clock import FakeClock


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the edge passes it on."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def run(configuration: str, now: datetime, request: Request, point: Point) -> None:
    """Serve the request and die at the point. Runs in a process of its own."""
    identity = build(
        ReplicaConfiguration.model_validate_json(configuration),
        clock=FakeClock(now),
        rng=SystemRandom(),
    )
    with interrupted(point, die, when=in_main_thread):
        path, _, query = request.path.partition("?")
        client: testing.TestClient[Any] = testing.TestClient(identity.app)
        client.simulate_request(
            request.method,
            path,
            query_string=query,
            headers=request.headers,
            body=request.body,
        )
