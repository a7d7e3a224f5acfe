"""Work that goes on beside a loop, and the first of its failures."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Tasks of one owner, on one event loop.

    What fails in the background is nobody's to catch. So the first failure is kept in `failure`,
    where the owner's loop finds it and raises it as its own.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.failure: BaseException | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin work that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def fail(self, failure: BaseException) -> None:
        """Keep a failure, unless there was one before."""
        if self.failure is None:
            self.failure = failure

    async def abandon(self) -> None:
        """Cancel all that is under way, and wait until it has ended."""
        tasks = [task for task in self._tasks if task.cancel()]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self.fail(failure)
