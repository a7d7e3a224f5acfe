"""The traffic of a run: who comes when, drawn from the seed, whatever becomes of the others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ostiary.drills.traffic_plan import Person
from ostiary.kernel.ids import SeededRandom
from tests.matrix.acknowledged import KeptFamily, KeptSession
from tests.matrix.moments import Now
from tests.matrix.visitors import ROLES, Visitors

IN_FLIGHT_MAX = 100
"""More users than this are not let in: a generator that cannot keep up must not make it worse."""

RECENTLY_ENDED = 5
CHAINS = 4
_CHAIN_SECONDS = 0.4
_VERIFIED_EVERY = 3
_KEYS_SECONDS = 0.5
_GRACE_SECONDS = 4.0
"""A refresh token that may have been used is asked for again only so long after its first use."""

_DOMAIN = "matrix.invalid"


@dataclass(slots=True)
class Traffic:
    """Open arrivals of many kinds, and applications that keep refreshing their tokens."""

    visitors: Visitors
    people: list[Person]
    mistyper: Person
    rate: float
    seed: int
    now: Now
    unserved: int = 0
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set)
    _newcomers: int = 0

    async def run(self, over: asyncio.Event) -> None:
        """Send users until it is over, and return when the last of them has been served."""
        async with asyncio.TaskGroup() as group:
            for number in range(CHAINS):
                group.create_task(self._keep_refreshing(self.people[number], over))
            group.create_task(self._keep_fetching_keys(over))
            group.create_task(self._send(over))

    async def _send(self, over: asyncio.Event) -> None:
        rng = SeededRandom(f"traffic/{self.seed}").generator
        kinds, weights = zip(*self._kinds(), strict=True)
        while not over.is_set():
            await asyncio.sleep(rng.expovariate(self.rate))
            kind = rng.choices(kinds, weights)[0]
            if len(self._under_way) >= IN_FLIGHT_MAX:
                self.unserved += 1
                continue
            task = asyncio.create_task(kind(rng.random()))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await asyncio.gather(*self._under_way)

    def _kinds(self) -> list[tuple[Callable[[float], Awaitable[None]], int]]:
        return [
            (self._visit, 10),
            (self._come_back, 4),
            (self._sign_up, 2),
            (self._add_user, 1),
            (self._disable_user, 1),
            (self._mistype, 1),
            (self._sign_out, 2),
            (self._steal, 2),
        ]

    async def _visit(self, chance: float) -> None:
        """Sign in, look around, and leave in one of several ways."""
        visitors, known = self.visitors, self.visitors.known
        person = self.people[CHAINS + int(chance * 1000) % (len(self.people) - CHAINS)]
        signed_in = await visitors.sign_in(person)
        if signed_in is None:
            return
        kept = KeptSession(person, signed_in.browser.jar)
        redeemed = await visitors.redeem(person, signed_in)
        if redeemed is None:
            known.sessions.append(kept)
            return
        kept.tokens = redeemed.tokens
        await visitors.look_at_userinfo(person, redeemed.tokens)
        await visitors.introspect(person, redeemed.tokens)
        await visitors.look_at_session(kept)
        if chance < 0.2:
            await visitors.refuse_used_code(person, redeemed)
        elif chance < 0.3:
            await visitors.refuse_forged_token(person, redeemed.tokens)
        elif chance < 0.6:
            # Nobody signs out of this session: that would revoke the family as well.
            family = KeptFamily(person, redeemed.tokens)
            await visitors.refresh(family)
            known.families.append(family)
            return
        known.sessions.append(kept)

    async def _come_back(self, chance: float) -> None:
        known = self.visitors.known
        if known.sessions:
            kept = known.sessions[int(chance * len(known.sessions))]
            with known.borrowed(kept):
                await self.visitors.look_at_session(kept)

    async def _steal(self, chance: float) -> None:
        """Use the cookies of a session that has just ended."""
        ended = self.visitors.known.ended[-RECENTLY_ENDED:]
        if ended:
            await self.visitors.refuse_session(ended[int(chance * len(ended))])

    async def _sign_out(self, chance: float) -> None:
        sessions = self.visitors.known.sessions
        if sessions:
            await self.visitors.sign_out(sessions[int(chance * len(sessions))])

    async def _sign_up(self, _chance: float) -> None:
        await self.visitors.sign_up(self._newcomer("new"))

    async def _add_user(self, _chance: float) -> None:
        await self.visitors.add_user(self._newcomer("added"))

    async def _disable_user(self, chance: float) -> None:
        accounts = self.visitors.known.idle_accounts()
        if accounts:
            await self.visitors.disable_user(accounts[int(chance * len(accounts))])

    async def _mistype(self, _chance: float) -> None:
        password = self.mistyper.password[1:]
        await self.visitors.refuse_password(self.mistyper, password, "wrong_password")

    async def _keep_refreshing(self, person: Person, over: asyncio.Event) -> None:
        """Be an application that refreshes its tokens all the time, and signs in again if it must.

        A token that may have been used is tried again within the grace of ten seconds only: later
        use would be that of a thief.
        """
        family: KeptFamily | None = None
        uncertain_since: float | None = None
        turns = 0
        while not over.is_set():
            await asyncio.sleep(_CHAIN_SECONDS)
            if family is None:
                family = await self._new_family(person)
                continue
            began = self.now()
            if uncertain_since is not None and began - uncertain_since > _GRACE_SECONDS:
                family = uncertain_since = None
            elif await self.visitors.refresh(family):
                uncertain_since = None
                turns += 1
                if turns % _VERIFIED_EVERY == 0:
                    await self.visitors.introspect(person, family.tokens)
                    await self.visitors.look_at_userinfo(person, family.tokens)
            else:
                uncertain_since = uncertain_since or began

    async def _new_family(self, person: Person) -> KeptFamily | None:
        signed_in = await self.visitors.sign_in(person)
        redeemed = await self.visitors.redeem(person, signed_in) if signed_in else None
        if redeemed is None:
            return None
        family = KeptFamily(person, redeemed.tokens)
        self.visitors.known.families.append(family)
        return family

    async def _keep_fetching_keys(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(_KEYS_SECONDS)
            await self.visitors.fetch_keys()

    def _newcomer(self, kind: str) -> Person:
        self._newcomers += 1
        name = f"{kind}-{self._newcomers:04}"
        password = self.visitors.rng.token(12)
        return Person(name=name, email=f"{name}@{_DOMAIN}", password=password, roles=ROLES)
