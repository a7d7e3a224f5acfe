"""Bringing back Envoys that die or hang. Nothing here waits for a replica."""

import asyncio
from dataclasses import dataclass
from functools import partial

from ostiary.edge.silence import SilenceWatch, kill
from ostiary.guard import history as events
from ostiary.guard.patience import Rhythm, keep_doing
from ostiary.guard.plane import DataPlane
from ostiary.kernel.journal import Journal

_LOOK_SECONDS = 0.2
# Users wait meanwhile: half of their new connections need the one that is away.
_PAUSE_SECONDS_MAX = 5.0
_LOOKS = Rhythm(_LOOK_SECONDS, _PAUSE_SECONDS_MAX)
_QUESTIONS = Rhythm(0.5, _PAUSE_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class EdgeKeeper:
    """Looks after the Envoys."""

    plane: DataPlane
    silence: SilenceWatch
    journal: Journal

    async def restart_dead(self, index: int) -> None:
        """Start one Envoy anew whenever it has died, for ever. Raises `JournalError`.

        Each has a loop of its own: the next one may die while this one gets ready.
        """
        look = partial(self._restart, index)
        await keep_doing(look, _LOOKS, what="edge", journal=self.journal)

    async def kill_hung(self) -> None:
        """End one Envoy that hangs after the other, for ever. Raises `JournalError`."""
        await keep_doing(self._ask, _QUESTIONS, what="edge", journal=self.journal)

    async def _restart(self, index: int) -> None:
        pid = await self.plane.restart_envoy(index)
        if pid is not None:
            self.journal.append(events.ENVOY_RESTARTED, None, {"pid": pid})

    async def _ask(self) -> None:
        await self.silence.ask()
        hung, count = self.silence.hung(), len(self.plane.edge_pids)
        if hung is not None and kill(hung):
            data = {"pid": hung.pid, "message": "It runs and does not answer."}
            self.journal.append(events.ENVOY_KILLED, None, data)
            await self._until_replaced(hung.pid, count)

    async def _until_replaced(self, pid: int, count: int) -> None:
        """Wait for the new one, so that two are never away together because of us."""
        for _ in range(int(_PAUSE_SECONDS_MAX / _LOOK_SECONDS)):
            await asyncio.sleep(_LOOK_SECONDS)
            pids = self.plane.edge_pids
            if pid not in pids and len(pids) >= count:
                return
