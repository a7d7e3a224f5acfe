"""Starting candidates while the replicas of last good serve users on the same machine.

A start keeps a core busy for a second or more. Were all to start together on a small machine,
whoever signs in meanwhile would wait for a password hash until it is given up.
"""

from collections.abc import Callable, Sequence

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.cores import at_once_beside_users
from ostiary.guard.fleet import Fleet
from ostiary.kernel.errors import OstiaryError
from ostiary.runtime.ports import IDENTITY, Replica


class UnwantedError(OstiaryError):
    """The change ended before all of its candidates had started."""


async def start_beside_users(
    fleet: Fleet,
    snapshot: Snapshot,
    seats: Sequence[int],
    launched: Callable[[list[Replica]], None] = lambda _: None,
    *,
    service: str = IDENTITY,
    wanted: Callable[[], bool],
) -> list[Replica]:
    """Start a candidate of a service for each seat, and wait until all are ready.

    Only as many start at a time as leave a core to users. `launched` is told of them while they
    are waited for; `wanted` is asked before each start. Raises `UnwantedError` where they are not
    wanted any more, `OstiaryError` or `OSError` when one does not get ready; then none stays
    behind.
    """
    step = at_once_beside_users()
    ready: list[Replica] = []
    try:
        for first in range(0, len(seats), step):
            if not wanted():
                raise UnwantedError("candidates_unwanted", "The change ended meanwhile.")
            some = seats[first : first + step]
            ready += await fleet.start(snapshot, some, launched, service=service)
    except (OstiaryError, OSError):
        await fleet.stop(ready, routed=False)
        raise
    return ready
