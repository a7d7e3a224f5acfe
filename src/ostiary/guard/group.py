"""One group of replicas of one snapshot: who belongs to it, and what becomes of its seats."""

from collections.abc import Callable, Coroutine
from typing import Any

from ostiary.changes.snapshot import Snapshot
from ostiary.guard import history as events
from ostiary.guard.fleet import Fleet, failed_start
from ostiary.guard.plane import DataPlane
from ostiary.guard.replica_probes import Kind, ReplicaProbes, Trouble
from ostiary.guard.seats import LastExit, Replacements, Seat
from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal, JournalError
from ostiary.runtime.ports import Replica


class Group:
    """Keeps a group complete. The plane holds the list of members; here is what else is known."""

    def __init__(
        self,
        snapshot: Snapshot,
        plane: DataPlane,
        fleet: Fleet,
        *,
        probes: ReplicaProbes,
        journal: Journal,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        edge_is_stale: Callable[[], None],
    ) -> None:
        """`spawn` runs work beside the loop; `edge_is_stale` has the edge written anew."""
        self._snapshot = snapshot
        self._plane = plane
        self._fleet = fleet
        self._probes = probes
        self._journal = journal
        self._clock = clock
        self._spawn = spawn
        self._edge_is_stale = edge_is_stale
        self._count = int(snapshot.settings["identity"]["replicas"])
        self._seats: dict[str, Seat] = {}
        self._buried: set[str] = set()
        self._vacant: list[Seat] = []
        self._filling: list[Seat] = []
        self._leaving: Replica | None = None
        self._replacing = Seat(clock.monotonic())
        self._replacements = Replacements()

    def seat(self, replica: str) -> Seat | None:
        """Return the seat of a member by its name."""
        return self._seats.get(replica)

    def vacant(self) -> list[Seat]:
        """Return the seats without a member that serves."""
        return [*self._vacant, *self._filling]

    async def look(self) -> None:
        """Look once. Never waits for a start."""
        now = self._clock.monotonic()
        members = self._members()
        living = [one for one in members if self._fleet.alive(one)]
        for one in living:
            self._seats.setdefault(one.name, Seat(now))
        dead = [one for one in members if one not in living]
        if dead:
            # At once: a second opinion must not be asked of a replica that is gone.
            self._change(living)
        for one in dead:
            await self._bury(one, now)
        self._fill(living, now)
        self._look_for_trouble(living, now)

    def _members(self) -> list[Replica]:
        return [one for one in self._plane.members(self._snapshot.id) if not self._is_buried(one)]

    def _is_buried(self, replica: Replica) -> bool:
        return replica.name in self._buried

    def _change(self, members: list[Replica]) -> None:
        if self._plane.set_members(self._snapshot.id, members):
            self._edge_is_stale()

    async def _bury(self, replica: Replica, now: float) -> None:
        self._buried.add(replica.name)
        last_exit = await self._fleet.bury(replica)
        seat = self._seats.pop(replica.name, Seat(now))
        if replica is not self._leaving:
            self._vacant.append(seat.vacated(now, last_exit))

    def _fill(self, living: list[Replica], now: float) -> None:
        staying = [one for one in living if one is not self._leaving]
        on_the_way = len(self._filling) + (self._leaving is not None)
        missing = self._count - len(staying) - on_the_way
        # After a guard's death there may be fewer members than seats, and nobody knows why.
        self._vacant += [Seat(now)] * (missing - len(self._vacant))
        for seat in self._vacant[: max(missing, 0)]:
            if seat.due_in(now, alone=not living) <= 0:
                self._vacant.remove(seat)
                self._filling.append(seat)
                self._spawn(self._fill_seat(seat))

    async def _fill_seat(self, seat: Seat) -> None:
        try:
            (replica,) = await self._fleet.start(self._snapshot, 1)
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            self._vacant.append(seat.failed(self._clock.monotonic(), _words(error, self._clock)))
            return
        finally:
            self._filling.remove(seat)
        if not await self._join(replica):
            return
        self._seats[replica.name] = seat.taken(self._clock.monotonic())

    async def _join(self, replica: Replica) -> bool:
        """Make a replica that is ready a member, unless its group was given up meanwhile."""
        if not self._plane.members(self._snapshot.id):
            await self._fleet.stop([replica], routed=False)
            return False
        self._change([*self._members(), replica])
        return True

    def _look_for_trouble(self, living: list[Replica], now: float) -> None:
        """Replace one member at a time; one that only takes much room waits for the others."""
        if self._leaving is not None or self._replacing.due_in(now, alone=False) > 0:
            return
        complete = len(living) >= self._count and not self._filling
        if complete and len(living) > self._count:
            # Left over from a replacement that another guard had begun.
            self._leave(living[0], Trouble(Kind.MEMORY, "is one more than needed"))
            return
        if not self._replacements.allowed(now):
            return
        for one in living:
            trouble = self._probes.trouble(one)
            if trouble is not None and (complete or trouble.kind is Kind.HUNG):
                self._leave(one, trouble)
                return

    def _leave(self, replica: Replica, trouble: Trouble) -> None:
        self._leaving = replica
        self._spawn(self._replace(replica, trouble))

    async def _replace(self, old: Replica, trouble: Trouble) -> None:
        """Start the new one, route to it, and only then end the old one."""
        data = {"snapshot": self._snapshot.id, "message": f"Replica {old.name} {trouble.words}."}
        self._journal.append(events.REPLICA_REPLACED, old.name, data)
        others = [one for one in self._members() if one is not old]
        try:
            if trouble.kind is Kind.HUNG:
                self._change(others)
            if len(others) < self._count:
                await self._succeed(old)
            await self._dismiss(old, trouble)
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            now = self._clock.monotonic()
            self._replacing = self._replacing.failed(now, _words(error, self._clock))
            if self._fleet.alive(old) and old not in self._members():
                # Nobody can follow it now. It may yet come to itself, and costs nothing.
                self._change([*self._members(), old])
        else:
            self._replacing = Seat(self._clock.monotonic())
            self._replacements = self._replacements.one_more(self._clock.monotonic())
        finally:
            self._leaving = None

    async def _succeed(self, old: Replica) -> None:
        (new,) = await self._fleet.start(self._snapshot, 1)
        if await self._join(new):
            seat = self._seats.get(old.name, Seat(self._clock.monotonic()))
            self._seats[new.name] = seat.taken(self._clock.monotonic())

    async def _dismiss(self, old: Replica, trouble: Trouble) -> None:
        self._change([one for one in self._members() if one is not old])
        # The edge has to have said that it no longer routes there.
        await self._plane.refresh()
        if not self._is_buried(old):
            self._buried.add(old.name)
            if trouble.kind is Kind.HUNG:
                await self._fleet.bury(old, trouble.words)
            else:
                await self._fleet.stop([old])
        self._seats.pop(old.name, None)


def _words(error: Exception, clock: Clock) -> LastExit:
    if isinstance(error, OstiaryError):
        return failed_start(error, clock)
    return LastExit(to_rfc3339(clock.now()), str(error))
