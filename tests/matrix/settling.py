"""After the last fault: the system mends itself, and everything acknowledged is asked for again."""

import asyncio
from dataclasses import dataclass
from typing import Any

from ostiary.drills.ledger import Expected
from ostiary.drills.traffic_plan import Person
from ostiary.kernel.errors import OstiaryError
from tests.matrix.acknowledged import KeptFamily
from tests.matrix.cluster import ENVOYS, REPLICAS, Cluster, is_stopped
from tests.matrix.moments import Now
from tests.matrix.promises import Broken, check_change
from tests.matrix.visitors import Visitors

RECOVERY_SECONDS_MAX = 90.0
"""After the last fault, without anybody's help; a busy machine included."""

CHANGE_SECONDS_MAX = 180.0
_POLL_SECONDS = 0.2
_AT_ONCE = 4


@dataclass(slots=True)
class Settling:
    """The end of a run, while the system is still up."""

    cluster: Cluster
    visitors: Visitors
    person: Person
    now: Now
    seconds: float = 0.0
    verdict: str = "none"

    async def recover(self) -> list[Broken]:
        """Wait until all is as before the first fault; `seconds` says how long that took."""
        began = self.now()
        missing = "not looked yet"
        while self.now() - began < RECOVERY_SECONDS_MAX:
            missing = await self._missing()
            if not missing:
                self.seconds = self.now() - began
                return []
            await asyncio.sleep(_POLL_SECONDS)
        self.seconds = self.now() - began
        text = f"not after {RECOVERY_SECONDS_MAX:.0f} s: {missing}"
        return [Broken("recovers by itself", text, began)]

    async def end_of_change(self, change: str | None) -> list[Broken]:
        """Wait for the end of the change that was proposed, if one was."""
        if change is None:
            return []
        value: dict[str, Any] = {"verdict": None, "stage": "unknown"}
        deadline = self.now() + CHANGE_SECONDS_MAX
        while self.now() < deadline and value["verdict"] is None:
            try:
                value = await self.cluster.ask(lambda client: client.get(f"/changes/{change}"))
            except OstiaryError as error:
                value = {"verdict": None, "stage": error.message}
            await asyncio.sleep(_POLL_SECONDS)
        reasons = ", ".join(reason["code"] for reason in value.get("reasons", []))
        self.verdict = f"{value['verdict']} in stage {value['stage']} ({reasons})"
        return check_change(value["verdict"], str(value["stage"]))

    async def ask_for_everything(self) -> None:
        """Ask for all that was acknowledged; what comes stands in the ledger."""
        known, visitors = self.visitors.known, self.visitors
        for kept in known.sessions:
            await visitors.look_at_session(kept, "after_session")
        for kept in known.ended:
            await visitors.refuse_session(kept)
        for family in known.families:
            await self._ask_family(family)
        room = asyncio.Semaphore(_AT_ONCE)

        async def in_room(person: Person, *, disabled: bool) -> None:
            async with room:
                if disabled:
                    await visitors.refuse_password(person, person.password, "disabled_user")
                else:
                    await visitors.sign_in(person, "after_sign_in")

        async with asyncio.TaskGroup() as group:
            for person in known.accounts.values():
                group.create_task(in_room(person, disabled=False))
            for person in known.disabled.values():
                group.create_task(in_room(person, disabled=True))

    async def _ask_family(self, family: KeptFamily) -> None:
        """Check that a family stands, that its newest token works, and that older ones do not.

        Where nobody knows whether the newest refresh token was used, its use could be a reuse:
        then only the access token is asked for.
        """
        await self.visitors.introspect(family.person, family.tokens, "after_family")
        if not family.certain or not await self.visitors.refresh(family, "after_refresh"):
            return
        replaced = family.replaced
        if await self.visitors.refresh(family, "after_refresh") and replaced is not None:
            await self.visitors.refuse_replaced_token(family.person, replaced)
            revoked = Expected.REFUSE
            await self.visitors.introspect(
                family.person, family.tokens, "after_reuse", expected=revoked
            )

    async def _missing(self) -> str:
        """Return what is not yet as it was; empty where nothing is."""
        try:
            status = await self.cluster.status()
        except (OstiaryError, OSError, ValueError) as error:
            return f"the guard does not answer ({error})"
        envoys = [self.cluster.envoy(index) for index in range(ENVOYS)]
        if any(record is None or is_stopped(record) for record in envoys):
            return "an Envoy does not run"
        replicas = self.cluster.replicas()
        known = {replica["pid"] for replica in status["replicas"]}
        serving = [
            replica.name
            for replica in replicas
            if replica.process.pid in known and not is_stopped(replica.process)
        ]
        if len(serving) < REPLICAS:
            return f"{len(serving)} replicas run"
        if await self.visitors.sign_in(self.person, "recovery_sign_in") is None:
            return "nobody can sign in"
        return ""
