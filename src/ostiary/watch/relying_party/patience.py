"""Coming again when a replica says that it is busy, and when it says so.

Whoever would wait too long for a password hash is answered 503 with `Retry-After` at once. That
says nothing about what was asked, and much about the machine at that moment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

TRIES: Final = 4
_SECONDS_MAX: Final = 3.0
_BUSY = 503

T = TypeVar("T")


async def unless_busy(ask: Callable[[], Awaitable[T]], busy: Callable[[T], float | None]) -> T:
    """Return what `ask` returns, asked again a few times where `busy` tells seconds to wait."""
    for _ in range(TRIES - 1):
        answer = await ask()
        seconds = busy(answer)
        if seconds is None:
            return answer
        await asyncio.sleep(seconds)
    return await ask()


def seconds_to_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Return how long a busy replica wants to be left alone, at most 3 s; None for any other.

    Only seconds are understood (RFC 9110, section 10.2.3): dates are not for moments.
    """
    told = headers.get("retry-after", "")
    if status != _BUSY or not (told.isascii() and told.isdigit()):
        return None
    return min(float(told[:4]), _SECONDS_MAX)
