"""The guard's life as a process: its API, its signals, and what it leaves behind at its end."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from ostiary.guard.api import create_api
from ostiary.guard.broken_off import answering_when_ended
from ostiary.guard.operations_port import Operations
from ostiary.guard.operators.peer import PeerProtocol
from ostiary.guard.operators.registry import Registry
from ostiary.guard.service import Guard
from ostiary.guard.socket import bound, socket_path
from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.files import remove, write_atomically

_POLL_SECONDS = 0.01
_API_STOP_SECONDS = 1


class ApiServer(uvicorn.Server):
    """An embedded server; signals are the guard's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signal handlers as they are."""
        yield


async def run(
    guard: Guard,
    operations: Operations,
    *,
    registry: Registry,
    data: Path,
    public_socket: Path | None,
    epoch: str,
    clock: Clock,
    ready: Callable[[dict[str, Any]], None],
) -> None:
    """Start the guard, serve its API, and watch until it is told to stop.

    `ready` is called once users are served. Raises what kept the guard from starting or running.
    """
    # First, so that a socket that cannot be made is told before anything has been started.
    with bound(data, public_socket) as sockets:
        # Until it runs, a signal ends the process as usual; what was started is adopted by the
        # next guard.
        await guard.start()
        _take_signals(guard)
        server = _api_server(operations, registry)
        serving = asyncio.create_task(server.serve(sockets))
        try:
            await until_started(server, serving)
            announce(data, epoch, clock)
            ready(await operations.status())
            await guard.run()
        finally:
            # Also after a failure: a guard in the foreground takes what it has started with it.
            await (guard.stop_everything() if guard.stops_everything else guard.let_go())
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            remove(data / "guard.json")


def _take_signals(guard: Guard) -> None:
    """End the guard in an orderly way from now on."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if guard.stops_everything:
        # The terminal was closed under a guard in the foreground.
        numbers.append(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, guard.stop)


def _api_server(operations: Operations, registry: Registry) -> ApiServer:
    return ApiServer(
        uvicorn.Config(
            answering_when_ended(create_api(operations, registry)),
            http=PeerProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_API_STOP_SECONDS,
        )
    )


async def until_started(server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
    """Wait until a server answers; raises what kept it from that."""
    while not server.started:
        if serving.done():
            serving.result()
        await asyncio.sleep(_POLL_SECONDS)


def announce(data: Path, epoch: str, clock: Clock) -> None:
    """Write where the API of a data directory is reached."""
    value = {
        "pid": os.getpid(),
        "epoch": epoch,
        "socket": str(socket_path(data)),
        "started": to_rfc3339(clock.now()),
    }
    write_atomically(data / "guard.json", json.dumps(value).encode())
