"""Envoys that die are started anew, each for itself."""

import asyncio
from pathlib import Path

from ostiary.edge.silence import SilenceWatch
from ostiary.guard.edge_keeper import EdgeKeeper
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock


class Envoys:
    """Stands in for the data plane: Envoys that died, and some that never get ready."""

    def __init__(self, dead: set[int], stuck: set[int]) -> None:
        self.dead = dead
        self.stuck = stuck

    async def restart_envoy(self, index: int) -> int | None:
        if index not in self.dead:
            return None
        self.dead.remove(index)
        if index in self.stuck:
            await asyncio.Event().wait()
        return 1_000 + index


def test_one_that_does_not_get_ready_keeps_no_other_from_being_started(tmp_path: Path):
    journal = Journal(tmp_path / "guard.db", FakeClock())
    envoys = Envoys(dead={0}, stuck={0})
    keeper = EdgeKeeper(envoys, SilenceWatch(tmp_path), journal)  # type: ignore[arg-type]

    async def scenario() -> None:
        loops = [asyncio.create_task(keeper.restart_dead(index)) for index in range(2)]
        async with asyncio.timeout(60):
            while envoys.dead:  # noqa: ASYNC110 - a test's own set
                await asyncio.sleep(0.01)
            envoys.dead = {1}
            while not list(journal.entries()):  # noqa: ASYNC110 - a journal tells nobody
                await asyncio.sleep(0.01)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)

    asyncio.run(scenario())
    assert [(one.kind, one.data["pid"]) for one in journal.entries()] == [("envoy_restarted", 1001)]
