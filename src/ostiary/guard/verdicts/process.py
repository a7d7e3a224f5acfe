"""The verdict service's life as a process: its addresses, its journeys, its signals."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ostiary.guard.background import Background
from ostiary.guard.operators.peer import PeerProtocol
from ostiary.guard.process import ApiServer, announce, until_started
from ostiary.guard.socket import bound
from ostiary.guard.verdicts.service import Verdicts
from ostiary.guard.verdicts.slow_requests import Application
from ostiary.guard.verdicts.telling import Rollout
from ostiary.guard.verdicts.trying import Tools, run_pair
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.files import remove

_POLL_SECONDS: Final = 0.25
_STOP_SECONDS: Final = 1
_REQUESTS_AT_ONCE_MAX: Final = 100
_BACKLOG: Final = 128


async def serve(
    verdicts: Verdicts,
    app: Application,
    *,
    address: tuple[str, int],
    data: Path,
    tools: Tools,
    ready: Callable[[], None],
) -> None:
    """Serve verdicts, and walk journeys, until SIGTERM or SIGINT.

    Raises `UsageError` where nothing can listen, and what ended a loop of journeys.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _listener(*address) as listener, bound(data, None) as own:
        public = _server(app, H11Protocol, limit=_REQUESTS_AT_ONCE_MAX)
        private = _server(app, PeerProtocol, limit=None)
        servers = {public: [listener], private: own}
        serving = {each: asyncio.create_task(each.serve(on)) for each, on in servers.items()}
        background = Background()
        try:
            for server, task in serving.items():
                await until_started(server, task)
            announce(data, "verdicts", tools.clock)
            for rollout in verdicts.rollouts.values():
                background.start(walk_for_ever(verdicts, rollout, tools))
            ready()
            while not stop.is_set() and background.failure is None:
                await _sleep_until(stop, _POLL_SECONDS)
        finally:
            await background.abandon()
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*serving.values(), return_exceptions=True)
            remove(data / "guard.json")
    if background.failure is not None:
        raise background.failure


async def walk_for_ever(verdicts: Verdicts, rollout: Rollout, tools: Tools) -> None:
    """Walk a rollout's journeys while its verdict is asked for, each run at its time.

    What keeps a run from being noted, a full disk for example, is told and tried again: verdicts
    become undecided meanwhile, since evidence grows old.
    """
    while True:
        began = tools.clock.monotonic()
        revision = verdicts.under_way(rollout.name)
        pause = _POLL_SECONDS
        if revision is not None:
            try:
                verdicts.note_run(rollout.name, revision, await run_pair(rollout, tools))
            except OstiaryError as error:
                sys.stderr.write(f"A run of {rollout.name} was not noted: {error}\n")
            pause = rollout.settings.journey_seconds - (tools.clock.monotonic() - began)
        await asyncio.sleep(max(0.0, pause))


async def _sleep_until(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(
            "port_not_usable",
            f"Verdicts cannot be served on {host}:{port}: {error.strerror}.",
            hint="Write another address into `[guard.verdicts] listen`.",
        ) from error


def _server(app: Application, protocol: type[H11Protocol], *, limit: int | None) -> ApiServer:
    return ApiServer(
        uvicorn.Config(
            app,
            http=protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=limit,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
