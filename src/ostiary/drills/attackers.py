"""Somebody who guesses passwords in the names of users, from many networks.

Each guess is a password that nobody has. Whoever lets one in is told by the ledger as a wrong yes.
"""

from collections.abc import Mapping
from typing import Final

from ostiary.drills.applications import RelyingApplication
from ostiary.drills.traffic_plan import TrafficPlan, Visit
from ostiary.drills.users import SimulatedUser
from ostiary.drills.visits import VisitRunner
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.relying_party.connections import KeptConnections

_GUESS_BYTES: Final = 12
_FIRST_BLOCK: Final = 64
_RANGES_A_BLOCK: Final = 250


class Attackers:
    """The networks of an attack, each with connections of its own."""

    def __init__(
        self,
        plan: TrafficPlan,
        applications: Mapping[str | None, RelyingApplication],
        runner: VisitRunner,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._applications = applications
        self._timeout_seconds = plan.timeout_seconds
        self._networks = plan.attack.networks if plan.attack is not None else 1
        self._runner = runner
        self._clock = clock
        self._rng = rng
        self._transports: dict[str, KeptConnections] = {}

    async def visit(self, visit: Visit, intended: float) -> None:
        """Make the guess of a visit, from the network whose turn it is."""
        transport = self._transport(address_of(visit.number % self._networks))
        application = self._applications[visit.person.application].through(
            transport, timeout_seconds=self._timeout_seconds
        )
        user = SimulatedUser(visit.person, application, self._rng)
        await self._runner.guess(visit, user, self._rng.token(_GUESS_BYTES), intended)

    async def leave(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()

    def _transport(self, address: str) -> KeptConnections:
        if address not in self._transports:
            self._transports[address] = KeptConnections(clock=self._clock, from_address=address)
        return self._transports[address]


def address_of(network: int) -> str:
    """Return the address of the loopback interface that stands for a network, from 0.

    No two of them lie in the same /24, and none where ordinary users come from.
    """
    block, part = divmod(network, _RANGES_A_BLOCK)
    return f"127.{_FIRST_BLOCK + block}.{part + 1}.1"
