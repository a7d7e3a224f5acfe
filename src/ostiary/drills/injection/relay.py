"""A relay between two ends of a connection, on which the network can be made worse meanwhile.

It delays what goes through, in order as a network does, loses segments, or cuts connections; where
no rules are given it passes everything on. Linux can do the same below the sockets (netem), but
not every kernel, and only for an administrator; this needs neither.

It is run by its path, also beside a replica of a release that has no drills: therefore it imports
nothing of Ostiary but the kernel, which every release has.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.kernel.ids import SystemRandom

_BYTES_MAX = 65_536
_SEGMENTS_MAX = 64
"""How many segments may be under way in one direction; then the sender is made to wait."""

_DIAL_SECONDS = 0.05
_DIAL_TRIES_MAX = 200
_LOST_TRIES_MAX = 5
_TIMEOUT_SECONDS = 1.0
"""The first time-out after which a lost segment is sent again; doubled each time (RFC 6298, 2.4
and 5.5)."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class CutError(Exception):
    """The connection is to be cut."""


@dataclass(frozen=True)
class Rules:
    """What befalls a segment: what an end sent and was read at once. Times are in milliseconds.

    `share`, between 0 and 1, is that of segments which are lost.
    With `answers_only` what goes to the far end is left alone; with `cut` a loss ends a connection.
    """

    milliseconds: float = 0.0
    jitter: float = 0.0
    share: float = 0.0
    cut: bool = False
    answers_only: bool = False


class RulesFile:
    """Rules in a file, a list of objects, which somebody else replaces meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None
        self._rules: list[Rules] = []

    def read(self) -> list[Rules]:
        """Return the rules that are in force now; there are none where there is no file."""
        try:
            found = self._path.stat()
        except OSError:
            return []
        # Two files may be of the same moment: that of a file system is some milliseconds long.
        if (found.st_ino, found.st_mtime_ns) != self._known:
            self._rules = [Rules(**each) for each in json.loads(self._path.read_text())]
            self._known = (found.st_ino, found.st_mtime_ns)
        return self._rules


def seconds_lost(rules: Rules, uniform: Callable[[], float]) -> float:
    """Return for how long a segment is held up by losses: 0 where it gets through at once.

    Raises `CutError` where the sender gives up, or a loss is to end the connection.
    """
    seconds, timeout = 0.0, _TIMEOUT_SECONDS
    for _ in range(_LOST_TRIES_MAX):
        if uniform() >= rules.share:
            return seconds
        if rules.cut:
            break
        seconds, timeout = seconds + timeout, 2 * timeout
    raise CutError


def seconds_delayed(rules: Rules, uniform: Callable[[], float]) -> float:
    """Return how long a segment is under way; between `jitter` less and more than usual."""
    return max(0.0, rules.milliseconds + rules.jitter * (2 * uniform() - 1)) / 1000


class Relay:
    """Passes connections on under the rules of a file."""

    def __init__(self, rules: RulesFile, uniform: Callable[[], float]) -> None:
        self._rules = rules
        self._uniform = uniform

    async def serve(self, near: Streams, dial: Callable[[], Awaitable[Streams]]) -> None:
        """Pass one connection on until both ends have closed it, or it is cut."""
        writers = [near[1]]
        try:
            far = await _dialled(dial)
            writers.append(far[1])
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(near[0], far[1], is_answer=False))
                both.create_task(self._pass_on(far[0], near[1], is_answer=True))
        except* (OSError, CutError):
            for writer in writers:
                writer.transport.abort()
        finally:
            for writer in writers:
                writer.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        """Pass on what comes from one end; each segment is due when it has been under way."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_SEGMENTS_MAX)
        async with asyncio.TaskGroup() as group:
            group.create_task(_deliver(under_way, writer))
            now = asyncio.get_running_loop().time
            data = b"-"
            while data:
                data = await reader.read(_BYTES_MAX)
                seconds = self._under_way(is_answer=is_answer) if data else 0.0
                await under_way.put((now() + seconds, data))

    def _under_way(self, *, is_answer: bool) -> float:
        return sum(
            seconds_delayed(rules, self._uniform) + seconds_lost(rules, self._uniform)
            for rules in self._rules.read()
            if is_answer or not rules.answers_only
        )


async def _deliver(
    under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
) -> None:
    """Deliver segments in their order, none before it is due; an empty one is the end."""
    now = asyncio.get_running_loop().time
    while True:
        due, data = await under_way.get()
        await asyncio.sleep(due - now())
        if not data:
            writer.write_eof()
            return
        writer.write(data)
        await writer.drain()


async def _dialled(dial: Callable[[], Awaitable[Streams]]) -> Streams:
    """Return a connection to the far end, which may not listen yet. Raises `OSError`."""
    for _ in range(_DIAL_TRIES_MAX):
        with contextlib.suppress(OSError):
            return await dial()
        await asyncio.sleep(_DIAL_SECONDS)
    return await dial()


def _open(address: str) -> Awaitable[Streams]:
    if address.startswith("/"):
        return asyncio.open_unix_connection(address)
    host, _, port = address.rpartition(":")
    return asyncio.open_connection(host, int(port))


async def _listen(relay: Relay, near: str, far: str) -> asyncio.Server:
    async def take(*streams: Any) -> None:  # noqa: ANN401 - a reader and a writer
        await relay.serve(streams, lambda: _open(far))

    if near.startswith("/"):
        return await asyncio.start_unix_server(take, near)
    host, _, port = near.rpartition(":")
    return await asyncio.start_server(take, host, int(port))


async def _run(rules: Path, pairs: list[str]) -> None:
    """Relay until the standard input ends: with whoever started this, however that one ended."""
    relay = Relay(RulesFile(rules), SystemRandom().uniform)
    for near, far in zip(pairs[::2], pairs[1::2], strict=True):
        await _listen(relay, near, far)
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("pairs", nargs="+", metavar="ADDRESS", help="near and far, pair by pair")
    given = parser.parse_args()
    asyncio.run(_run(given.rules, given.pairs))
