"""Bringing back Envoys that die or hang. Nothing here waits for a replica."""

import asyncio
from dataclasses import dataclass

from ostiary.edge.silence import SilenceWatch, kill
from ostiary.guard import history as events
from ostiary.guard.patience import Patience
from ostiary.guard.plane import DataPlane
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal, JournalError

_LOOK_SECONDS = 0.2
_ASK_SECONDS = 0.5
# Users wait meanwhile: half of their new connections need the one that is away.
_PAUSE_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class EdgeKeeper:
    """Looks after the Envoys."""

    plane: DataPlane
    silence: SilenceWatch
    journal: Journal

    async def restart_dead(self) -> None:
        """Start anew what has died, for ever. Raises `JournalError`."""
        patience = Patience(_PAUSE_SECONDS_MAX)
        while True:
            pause = _LOOK_SECONDS
            try:
                for pid in await self.plane.restart_dead():
                    self.journal.append(events.ENVOY_RESTARTED, None, {"pid": pid})
                patience.succeeded()
            except JournalError:
                raise
            except (OstiaryError, OSError) as error:
                # What cannot be mended now is tried again; the rest of the guard goes on.
                pause, is_news = patience.failed(str(error))
                if is_news:
                    data = {"what": "edge", "message": str(error)}
                    self.journal.append(events.SUPERVISION_FAILED, None, data)
            await asyncio.sleep(pause)

    async def kill_hung(self) -> None:
        """End one Envoy that hangs after the other, for ever. Raises `JournalError`."""
        while True:
            await asyncio.sleep(_ASK_SECONDS)
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
