"""Asking a replica whether it is ready."""

import ssl
from collections.abc import Callable

import anyio
import httpx

from ostiary.runtime.ports import Replica

_POLL_SECONDS = 0.03
_ANSWER_SECONDS_MAX = 1.0
_READY = 200


async def wait_until_ready(replica: Replica, alive: Callable[[Replica], bool]) -> bool:
    """Return True when the replica is ready, False when it has ended.

    Waits for ever otherwise; the caller limits the time. An answer counts only if it names this
    replica: whoever took its port does not answer for it.
    """
    # The context is never used, and making a default one takes longer than a whole poll.
    client = httpx.AsyncClient(
        base_url=f"http://{replica.host}:{replica.health_port}",
        timeout=_ANSWER_SECONDS_MAX,
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    async with client:
        while alive(replica):
            if await _is_ready(client, replica) and await _is_listening(replica):
                return True
            await anyio.sleep(_POLL_SECONDS)
    return False


async def _is_ready(client: httpx.AsyncClient, replica: Replica) -> bool:
    try:
        if (await client.get("/ready")).status_code != _READY:
            return False
        who = (await client.get("/live")).json()
        return bool(who["name"] == replica.name and who["snapshot"] == replica.snapshot)
    except (httpx.HTTPError, ValueError, LookupError, TypeError):
        return False


async def _is_listening(replica: Replica) -> bool:
    """Return whether the port for users takes connections; it may open after that for health."""
    try:
        with anyio.fail_after(_ANSWER_SECONDS_MAX):
            stream = await anyio.connect_tcp(replica.host, replica.port)
    except (OSError, TimeoutError):
        return False
    await stream.aclose()
    return True
