"""Asking a replica whether it is ready."""

import ssl
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import httpx

from ostiary.runtime.ports import Replica
from ostiary.runtime.service_readiness import why_not_ready

_POLL_SECONDS = 0.03
_ANSWER_SECONDS_MAX = 1.0
_READY = 200


class WaitingError(Exception):
    """A replica says itself what it waits for, and until when (Unix seconds)."""

    def __init__(self, problem: str, ready_at: float) -> None:
        super().__init__(problem)
        self.problem = problem
        self.ready_at = ready_at


async def wait_until_ready(
    replica: Replica, alive: Callable[[Replica], bool], *, ready_by: float
) -> bool:
    """Return True when the replica is ready, False when it has ended.

    Raises `WaitingError` as soon as it says that it will not be ready by `ready_by` (Unix
    seconds). Waits for ever otherwise; the caller limits the time. An answer counts only if it
    names this replica: whoever took its port does not answer for it.
    """
    if replica.health:
        return await _until_service_is_ready(replica, alive)
    # The context is never used, and making a default one takes longer than a whole poll.
    client = httpx.AsyncClient(
        base_url=f"http://{replica.host}:{replica.health_port}",
        timeout=_ANSWER_SECONDS_MAX,
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    async with client:
        while alive(replica):
            if await _is_ready(client, replica, ready_by) and await _is_listening(replica):
                return True
            await anyio.sleep(_POLL_SECONDS)
    return False


async def _until_service_is_ready(replica: Replica, alive: Callable[[Replica], bool]) -> bool:
    while alive(replica):
        if await anyio.to_thread.run_sync(why_not_ready, replica) is None:
            return True
        await anyio.sleep(_POLL_SECONDS)
    return False


async def _is_ready(client: httpx.AsyncClient, replica: Replica, ready_by: float) -> bool:
    try:
        answer = await client.get("/ready")
        if answer.status_code != _READY:
            _require_in_time(answer.json(), replica, ready_by)
            return False
        return _is_from((await client.get("/live")).json(), replica)
    except (httpx.HTTPError, ValueError, LookupError, TypeError):
        return False


def _require_in_time(said: dict[str, Any], replica: Replica, ready_by: float) -> None:
    """Raise `WaitingError` where the replica itself says that it will take longer."""
    if _is_from(said, replica) and float(said["ready_at"]) > ready_by:
        raise WaitingError(str(said["problem"])[:200], float(said["ready_at"]))


def _is_from(said: dict[str, Any], replica: Replica) -> bool:
    return bool(said["name"] == replica.name and said["snapshot"] == replica.snapshot)


async def _is_listening(replica: Replica) -> bool:
    """Return whether the port for users takes connections; it may open after that for health."""
    try:
        with anyio.fail_after(_ANSWER_SECONDS_MAX):
            stream = await anyio.connect_tcp(replica.host, replica.port)
    except (OSError, TimeoutError):
        return False
    await stream.aclose()
    return True
