"""The verdict service over real HTTP, in a thread, with two versions of a small provider."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ostiary.changes.configuration import parse_configuration
from ostiary.changes.operator_settings import OperatorSettings
from ostiary.cli.verdict_wiring import rollouts_of
from ostiary.guard.operators.registry import Registry
from ostiary.guard.operators.tokens import digest_of
from ostiary.guard.verdicts.api import create_api
from ostiary.guard.verdicts.process import walk_for_ever
from ostiary.guard.verdicts.service import Verdicts
from ostiary.guard.verdicts.telling import Rollout
from ostiary.guard.verdicts.trying import Tools
from ostiary.kernel.clock import Clock, SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.kernel.settings import parse_document
from tests.unit.guard.verdicts.versions import ISSUER, Version

TOKENS = {
    role: f"ostiary_token-of-a-{role}-0123456789" for role in ("viewer", "proposer", "approver")
}
OPERATORS = {
    role: OperatorSettings(role=role, token_sha256=digest_of(token))  # type: ignore[arg-type]
    for role, token in TOKENS.items()
}
TABLE = """
[guard.verdicts.rollouts.login]
issuer = "{issuer}"
stable_url = "{stable}"
canary_url = "{canary}"
journey_seconds = 0.1
{more}
[[guard.journeys.token.steps]]
name = "token"
method = "POST"
path = "/token"
form = {{ grant_type = "client_credentials", client_secret = "{{env:SECRET}}" }}
expect = {{ status = 200, json_body = {{ token_type = "Bearer" }} }}
"""


def rollouts_in(stable: str, canary: str, more: str = "") -> dict[str, Rollout]:
    """Return the rollouts of a settings file; `more` are lines of the one named `login`."""
    toml = TABLE.format(issuer=ISSUER, stable=stable, canary=canary, more=more)
    guard = parse_configuration(parse_document(toml, file="ostiary.toml")).guard
    assert guard.verdicts is not None
    return rollouts_of(guard, guard.verdicts)


class Service:
    """A service that answers; `post` and `get` return the status and the JSON."""

    def __init__(self, port: int, verdicts: Verdicts | None = None) -> None:
        self.port = port
        self.verdicts = verdicts

    def get(self, path: str, token: str | None = TOKENS["viewer"]) -> tuple[int, dict[str, Any]]:
        return self.send("GET", path, None, token)

    def post(
        self, path: str, body: Any, token: str | None = TOKENS["proposer"]
    ) -> tuple[int, dict[str, Any]]:
        return self.send("POST", path, json.dumps(body).encode(), token)

    def send(
        self, method: str, path: str, content: bytes | None, token: str | None
    ) -> tuple[int, dict[str, Any]]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def ask(self, revision: str = "r1") -> dict[str, Any]:
        status, answer = self.post("/verdicts/login", {"revision": revision})
        assert status == 200
        return answer


def until(holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


@contextmanager
def serving(
    rollouts: dict[str, Rollout],
    journal_path: Path,
    *,
    clock: Clock | None = None,
    walking: bool = True,
) -> Iterator[Service]:
    """Serve on a free port; `walking` says whether journeys run."""
    clock = clock or SystemClock()
    tools = Tools(clock, SeededRandom("verdicts"), {"SECRET": "s3cret-of-the-probe"})
    with (
        closing(Journal(journal_path, clock)) as journal,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        verdicts = Verdicts(rollouts, journal, clock)
        app = create_api(verdicts, Registry(OPERATORS, owner_uid=os.geteuid()))
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        )

        async def main() -> None:
            walks = [
                asyncio.create_task(walk_for_ever(verdicts, each, tools))
                for each in (rollouts.values() if walking else ())
            ]
            await server.serve([listener])
            for walk in walks:
                walk.cancel()
            await asyncio.gather(*walks, return_exceptions=True)

        thread = threading.Thread(target=asyncio.run, args=(main(),))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
            yield Service(listener.getsockname()[1], verdicts)
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture
def versions() -> Iterator[tuple[Version, Version]]:
    """The stable version and the new one."""
    stable, canary = Version(), Version()
    yield stable, canary
    stable.server.close()
    canary.server.close()
