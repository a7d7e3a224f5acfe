"""Noticing a candidate that locks the SQLite store, before those who sign in have waited in vain.

The kernel tells who holds the one lock that every writer needs, so that nobody has to ask for it,
and nobody else is blamed. Whoever writes gives it back within milliseconds, and everybody waits 1.2
s for it. A candidate that keeps it for longer than a moment is killed, which gives it back at once.
On PostgreSQL the server itself ends waits and transactions that are left open; see
`docs/data.md`.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ostiary.changes.model import Reason
from ostiary.guard.threads import in_thread
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime import resources
from ostiary.runtime.ports import Replica
from ostiary.runtime.process_end import kill_session

_LOOK_SECONDS = 0.1
HELD_LOOKS_MAX = 8
"""So many looks in a row that find the same holder are a transaction that is held open."""

_WRITE_LOCK_BYTE = 120
"""Byte of the `-shm` file that the one writer locks (SQLite, WAL-mode file format, 2.2.1)."""

_LOCKS = Path("/proc/locks")


def holders(text: str, inode: int) -> set[int]:
    """Return the processes that hold the write lock, from the text of `/proc/locks`."""
    found: set[int] = set()
    if f":{inode} " not in text:
        # Asked ten times a second, and nearly always so.
        return found
    for line in text.splitlines():
        words = line.split()
        match words:
            case [_, "POSIX", _, "WRITE", pid, place, first, last] if place.endswith(f":{inode}"):
                end = _WRITE_LOCK_BYTE if last == "EOF" else int(last)
                if int(first) <= _WRITE_LOCK_BYTE <= end:
                    found.add(int(pid))
    return found


@dataclass(slots=True)
class _Watched:
    name: str
    process: ProcessRecord
    looks_max: int
    in_row: int = 0


class LockWatch:
    """Watches the candidates of one change, and what migrates for it."""

    def __init__(self, store: Path | None, *, read: Callable[[], str] = _LOCKS.read_text) -> None:
        """`store` is the SQLite file; None for a store on a server, where nothing is watched."""
        self._log = None if store is None else store.with_name(f"{store.name}-shm")
        self._read = read
        self._watched: list[_Watched] = []
        self._looking: asyncio.Task[None] | None = None
        self.reason: Reason | None = None

    def begin(self) -> None:
        """Forget what was seen of an earlier change."""
        self.end()
        self.reason = None

    def watch_replicas(self, replicas: Sequence[Replica]) -> None:
        """Watch replicas from now on."""
        for each in replicas:
            self.watch(each.own_process, f"Candidate {each.name}", HELD_LOOKS_MAX)

    def watch(self, process: ProcessRecord, name: str, looks_max: int) -> None:
        """Watch a process, which may be found holding the lock `looks_max` times in a row."""
        self._watched.append(_Watched(name, process, looks_max))
        if self._looking is None and self._log is not None:
            self._looking = asyncio.create_task(self._look_for_ever(self._log))

    def end(self) -> None:
        """Watch nobody any more."""
        self._watched = []
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look_for_ever(self, log: Path) -> None:
        while True:
            # The kernel may take ten milliseconds for it; the guard has more to do.
            self.look(await in_thread(partial(self.holding, log)))
            await asyncio.sleep(_LOOK_SECONDS)

    def holding(self, log: Path) -> set[int]:
        """Return the processes that hold the lock now.

        No file, no lock; and a kernel that tells nobody about locks is left to evidence.
        """
        try:
            return holders(self._read(), log.stat().st_ino)
        except OSError:
            return set()

    def look(self, found: set[int]) -> None:
        """Note who holds the lock at one look; whoever has held it for too long is killed."""
        for each in self._watched:
            pids = {each.process.pid, *resources.children(each.process.pid)} if found else set()
            each.in_row = each.in_row + 1 if pids & found else 0
            if each.in_row >= each.looks_max:
                self._break(each)

    def _break(self, each: _Watched) -> None:
        kill_session(each.process)
        each.in_row = 0
        seconds = round(each.looks_max * _LOOK_SECONDS, 1)
        text = (
            f"{each.name} kept the store locked for {seconds:g} s, so that nobody else could "
            "write; it was killed. Hold no transaction open while something else is done."
        )
        self.reason = Reason("store_locked", text, {"seconds": seconds, "pid": each.process.pid})
