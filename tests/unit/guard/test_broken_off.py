"""What a command hears when the guard ends while it works on the answer."""

import asyncio
import json
import logging
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from ostiary.guard.broken_off import answering_when_ended
from ostiary.guard.client import GuardClient, GuardError
from ostiary.kernel.errors import ExitCode


async def never_done(scope, receive, send) -> None:
    await asyncio.Event().wait()


def test_a_request_under_way_is_told_that_the_guard_ended(tmp_path: Path, caplog) -> None:
    caplog.set_level(logging.ERROR)
    path = tmp_path / "guard.sock"
    (tmp_path / "guard.json").write_text(json.dumps({"socket": str(path)}))
    server = uvicorn.Server(
        uvicorn.Config(
            answering_when_ended(never_done),
            uds=str(path),
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        time.sleep(0.01)
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            GuardClient(tmp_path).post("/users")
        except GuardError as error:
            caught.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not server.server_state.tasks:
        time.sleep(0.01)
    server.should_exit = True
    serving.join(60)
    asking.join(60)
    (error,) = caught
    assert isinstance(error, GuardError)
    assert (error.code, error.exit_code) == ("guard_unreachable", ExitCode.NOT_RUNNING)
    assert not [record for record in caplog.records if record.exc_info]


async def cancelled_late(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise asyncio.CancelledError


@pytest.mark.anyio
async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    sent: list[str] = []

    async def send(message) -> None:
        sent.append(message["type"])

    await answering_when_ended(cancelled_late)({"type": "http"}, None, send)
    assert sent == ["http.response.start"]
