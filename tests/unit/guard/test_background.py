"""What fails beside a loop is kept for the loop, and nothing outlives its owner."""

import asyncio

import pytest

from ostiary.guard.background import Background


async def fail(error: Exception) -> None:
    raise error


async def all_ended() -> None:
    """Let the tasks that are ready run to their end."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_first_failure_is_kept_and_other_work_goes_on() -> None:
    first, second, done = ValueError("first"), ValueError("second"), []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("work")

    async def run() -> BaseException | None:
        background = Background()
        background.start(work())
        background.start(fail(first))
        background.start(fail(second))
        await all_ended()
        background.fail(OSError("third"))
        return background.failure

    assert asyncio.run(run()) is first
    assert done == ["work"]


def test_what_ends_well_or_is_cancelled_is_no_failure() -> None:
    async def run() -> BaseException | None:
        background = Background()
        background.start(asyncio.sleep(0))
        background.start(asyncio.sleep(60))
        await all_ended()
        await background.abandon()
        return background.failure

    assert asyncio.run(run()) is None


@pytest.mark.parametrize("ending", ["quietly", "by an error"])
def test_abandoned_work_has_ended_when_its_owner_goes_on(ending: str) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(ending)
            if ending == "by an error":
                raise ValueError(ending)

    async def run() -> list[str]:
        background = Background()
        background.start(work())
        await all_ended()
        await background.abandon()
        return list(ended)

    assert asyncio.run(run()) == [ending]
