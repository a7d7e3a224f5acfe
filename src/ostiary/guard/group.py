"""One group of replicas of one snapshot: who belongs to it, and what becomes of its seats."""

from functools import partial

from ostiary.guard import history as events
from ostiary.guard.departures import next_to_go
from ostiary.guard.group_parts import GroupParts
from ostiary.guard.patience import journal_failure
from ostiary.guard.replica_probes import Kind, Trouble
from ostiary.guard.seats import Replacements, Seat, empty_seats, failed_start
from ostiary.guard.specs import replicas_of
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import JournalError
from ostiary.runtime.ports import Replica, ReplicaFailedError


class Group:
    """Keeps a group complete. The plane holds the list of members; here is what else is known."""

    def __init__(self, parts: GroupParts) -> None:
        snapshot, service, fleet = parts.snapshot, parts.service, parts.fleet
        self._start = partial(fleet.start, snapshot, service=service)
        self._snapshot, self._plane, self._fleet = snapshot, parts.plane, fleet
        self._probes, self._journal, self._clock = parts.probes, parts.journal, parts.clock
        self._spawn = parts.spawn
        self._edge_is_stale = parts.edge_is_stale
        self._count = replicas_of(snapshot, service)
        self._seats: dict[str, Seat] = {}
        self._buried: set[str] = set()
        self._vacant: list[Seat] = []
        self._filling: list[Seat] = []
        self._leaving: Replica | None = None
        self._is_followed = False
        self._replacing = Seat(self._clock.monotonic())
        self._replacements = Replacements()

    def seat(self, replica: str) -> Seat | None:
        """Return the seat of a member by its name."""
        return self._seats.get(replica)

    def vacant(self) -> list[Seat]:
        """Return the seats without a member that serves."""
        return [*self._vacant, *self._filling]

    async def look(self) -> None:
        """Look once. Never waits for a start."""
        living = await self._bury_the_dead()
        if not self._is_kept():
            return
        now = self._clock.monotonic()
        self._fill(living, now)
        self._look_for_trouble(living, now)

    async def _bury_the_dead(self) -> list[Replica]:
        """Empty the seats of all that ended, and return the members that live.

        A burial takes time in which more may die or join, so this looks again after each round: a
        seat that were filled before its member is buried would not know how that one ended.
        """
        while True:
            now = self._clock.monotonic()
            members = self._members()
            living = [one for one in members if self._fleet.alive(one)]
            for one in living:
                self._seats.setdefault(one.name, Seat(now, one.seat))
            if not (dead := [one for one in members if one not in living]):
                return living
            # At once: a second opinion must not be asked of a replica that is gone.
            self._change(living)
            for one in dead:
                await self._bury(one, now)

    def _is_kept(self) -> bool:
        return self._plane.is_kept(self._snapshot.id)

    def _members(self) -> list[Replica]:
        members = self._plane.members(self._snapshot.id)
        return [one for one in members if one.name not in self._buried]

    def _change(self, members: list[Replica]) -> None:
        if self._plane.set_members(self._snapshot.id, members):
            self._edge_is_stale()

    async def _bury(self, replica: Replica, now: float) -> None:
        self._buried.add(replica.name)
        last_exit = await self._fleet.bury(replica)
        seat = self._seats.pop(replica.name, Seat(now, replica.seat))
        if replica is not self._leaving:
            self._vacant.append(seat.vacated(now, last_exit))

    def _fill(self, living: list[Replica], now: float) -> None:
        staying = sum(one is not self._leaving for one in living)
        missing = self._count - staying - len(self._filling) - self._is_followed
        # After a guard's death there may be fewer members than seats, and nobody knows why.
        taken = {*(one.seat for one in living), *(seat.number for seat in self.vacant())}
        self._vacant += empty_seats(self._count, taken, missing - len(self._vacant), now)
        del self._vacant[max(missing, 0) :]  # Nobody has to follow one that was too many.
        for seat in list(self._vacant):
            if seat.due_in(now, alone=not living) <= 0:
                self._vacant.remove(seat)
                self._filling.append(seat)
                self._spawn(self._fill_seat(seat))

    async def _fill_seat(self, seat: Seat) -> None:
        try:
            (replica,) = await self._start([seat.number])
            if await self._join(replica):
                self._seats[replica.name] = seat.taken(self._clock.monotonic())
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            self._vacant.append(self._failed(seat, error))
        finally:
            self._filling.remove(seat)

    async def _join(self, replica: Replica) -> bool:
        """Make a replica that is ready a member, unless its group was given up meanwhile."""
        if not self._is_kept():
            await self._fleet.stop([replica], routed=False)
            return False
        self._change([*self._members(), replica])
        return True

    def _look_for_trouble(self, living: list[Replica], now: float) -> None:
        """Have one member go, if one has to; never two at a time.

        Members that somebody else runs stay: another one at their address would be no better.
        """
        living = [one for one in living if not one.is_run_elsewhere]
        if not living:
            return
        if self._leaving is not None or self._replacing.due_in(now, alone=False) > 0:
            return
        surplus = -1 if self._filling else len(living) - self._count
        if surplus <= 0 and not self._replacements.allowed(now):
            return
        if (chosen := next_to_go(living, surplus, self._probes)) is not None:
            self._leaving, trouble = chosen
            self._is_followed = len(living) <= self._count
            self._spawn(self._replace(self._leaving, trouble))

    async def _replace(self, old: Replica, trouble: Trouble) -> None:
        """Start the new one, route to it, and only then end the old one."""
        try:
            if trouble.kind is Kind.HUNG:
                self._change([one for one in self._members() if one is not old])
            if self._is_followed:
                await self._succeed(old)
            await self._dismiss(old, trouble)
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            self._replacing = self._failed(self._replacing, error)
            await self._take_back(old)
        else:
            self._replacing = Seat(self._clock.monotonic())
            self._replacements = self._replacements.one_more(self._clock.monotonic())
        finally:
            self._leaving, self._is_followed = None, False

    async def _take_back(self, old: Replica) -> None:
        """Let a member stay that nobody can follow now, if there is a group to stay in."""
        if old.name in self._buried or not self._fleet.alive(old):
            return
        if not self._is_kept():
            await self._fleet.abandon(old)
        elif old not in self._members():
            # It may yet come to itself, and costs nothing.
            self._change([*self._members(), old])

    def _failed(self, seat: Seat, error: OstiaryError | OSError) -> Seat:
        """Return the seat after a failure; journal one that no replica's end tells of."""
        last_exit = failed_start(error, self._clock)
        is_news = seat.last_exit is None or seat.last_exit.how != last_exit.how
        if is_news and not isinstance(error, ReplicaFailedError):
            journal_failure(self._journal, "replicas", error)
        return seat.failed(self._clock.monotonic(), last_exit)

    async def _succeed(self, old: Replica) -> None:
        (new,) = await self._start([old.seat])
        if await self._join(new):
            seat = self._seats.get(old.name, Seat(self._clock.monotonic(), old.seat))
            self._seats[new.name] = seat.taken(self._clock.monotonic())
        self._is_followed = False

    async def _dismiss(self, old: Replica, trouble: Trouble) -> None:
        self._change([one for one in self._members() if one is not old])
        # The edge has to have said that it no longer routes there.
        await self._plane.refresh()
        if old.name not in self._buried:
            self._buried.add(old.name)
            if trouble.kind is Kind.HUNG:
                await self._fleet.bury(old, trouble.words)
            else:
                await self._fleet.stop([old])
        self._seats.pop(old.name, None)
        data = {"snapshot": self._snapshot.id, "message": f"Replica {old.name} {trouble.words}."}
        self._journal.append(events.REPLICA_REPLACED, old.name, data)
