"""A small application, started for a test, and a way to walk a journey of TOML through it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.kernel.settings import parse_document
from ostiary.watch.own_journeys.settings import JourneySettings
from ostiary.watch.own_journeys.values import Values
from ostiary.watch.own_journeys.walk import Place, StepResult, walk
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.wire import HttpServer, Request, Response

ISSUER = "http://shop.example.test"


def journeys_in(toml: str) -> dict[str, JourneySettings]:
    """Return the journeys of a settings file that has nothing against it."""
    configuration = parse_configuration(parse_document(toml, file="ostiary.toml"))
    assert check_configuration(configuration) == ()
    return dict(configuration.guard.journeys)


def one_step(toml: str) -> JourneySettings:
    """Return a journey of one step, named `look`, from the rest of its table."""
    name = 'name = "look"\n'
    return journeys_in(f"[[guard.journeys.own.steps]]\n{name}{toml}")["own"]


class Application:
    """Answers by path; a path that nobody gave an answer for is 404. Requests are kept."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Request], Response | None]] = {}
        self.seen: list[Request] = []
        self.server = HttpServer(self._answer)

    def on(self, path: str, answer: Response | Callable[[Request], Response | None]) -> None:
        self.answers[path] = answer if callable(answer) else lambda _request: answer

    def _answer(self, request: Request) -> Response | None:
        self.seen.append(request)
        given = self.answers.get(request.path)
        return Response(404, "", b"not here") if given is None else given(request)

    @property
    def target(self) -> Target:
        return Target("candidate", self.server.url, ISSUER)


def of_json(document: Any, *headers: tuple[str, str], status: int = 200) -> Response:
    content = [("content-type", "application/json"), *headers]
    return Response(status, "", json.dumps(document).encode(), content)


@pytest.fixture
def application():
    running = Application()
    yield running
    running.server.close()


@pytest.fixture
def go(application, clock, rng):
    """Walk a journey through the application and return the results of its steps."""

    def go_through(journey: JourneySettings, *, environment=None, account=None) -> list[StepResult]:
        async def run() -> list[StepResult]:
            transport = KeptConnections()
            values = Values(rng=rng, environment=environment or {}, account=account)
            try:
                return await walk(
                    "own", journey, Place(application.target, transport), values, clock
                )
            finally:
                await transport.aclose()

        return asyncio.run(run())

    return go_through
