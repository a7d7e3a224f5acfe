"""How many sign-ins a second the replicas do, measured on the running system.

Probe accounts sign in at the replicas' own ports, on unknown browsers: real users on browsers that
are known go first while it is measured. All replicas are measured at once, as they share a machine
in a surge too.
"""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.outcomes import Outcome
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.front_channel import enter_password, sign_in_page
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire

_BROWSERS = 4
"""At the same time per replica: enough to keep its hashes busy, too few to fill its queue.
Each for an account of its own: one account has few places in the queue."""


class CapacityError(OstiaryError):
    """The capacity could not be measured; the message says at which replica."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one replica did: sign-ins a second, and how long one took, in milliseconds."""

    replica: str
    sign_ins_per_second: float
    p50_ms: float
    p99_ms: float

    def to_json(self) -> dict[str, object]:
        """Return the figures as a JSON object, rounded to what the measurement can tell."""
        return {
            "name": self.replica,
            "sign_ins_per_second": round(self.sign_ins_per_second, 1),
            "p50_ms": round(self.p50_ms, 1),
            "p99_ms": round(self.p99_ms, 1),
        }


async def measure_capacity(
    targets: Sequence[Target], admin: ProbeAdmin, *, seconds: float, clock: Clock
) -> list[Capacity]:
    """Let probe accounts sign in at each target for so many seconds; return what each one did.

    Raises `CapacityError` when a replica does not sign them in, and `AdminApiError`.
    """
    async with KeptConnections() as transport, admin.accounts(_BROWSERS) as accounts:
        measured = await asyncio.gather(
            *(_measure(Wire(target, transport), accounts, seconds, clock) for target in targets),
            return_exceptions=True,
        )
    for one in measured:
        if isinstance(one, BaseException):
            raise one
    return [one for one in measured if isinstance(one, Capacity)]


async def _measure(
    wire: Wire, accounts: Sequence[ProbeAccount], seconds: float, clock: Clock
) -> Capacity:
    began = clock.monotonic()
    ends = began + seconds
    browsers = (_sign_in_until(ends, wire, account, clock) for account in accounts)
    try:
        took = [each for one in await asyncio.gather(*browsers) for each in one]
    except StepFailedError as error:
        raise CapacityError(
            "capacity_unmeasured",
            f"Replica {wire.target.name} did not sign a probe account in: {error}",
            hint="See `ostiary status` and the replica's log.",
        ) from error
    if not took:
        raise CapacityError(
            "capacity_unmeasured",
            f"Replica {wire.target.name} has too much to do to be measured.",
            hint="Measure when fewer people sign in.",
        )
    elapsed = clock.monotonic() - began
    return Capacity(
        wire.target.name,
        len(took) / elapsed,
        statistics.median(took) * 1000,
        sorted(took)[int(len(took) * 0.99)] * 1000,
    )


async def _sign_in_until(
    ends: float, wire: Wire, account: ProbeAccount, clock: Clock
) -> list[float]:
    """Sign in again and again on a browser that is never known; return the seconds each took."""
    newcomer = Browser(wire)
    page = sign_in_page(await newcomer.get("sign_in_page", "/sign-in"))
    took: list[float] = []
    while page is not None and clock.monotonic() < ends:
        began = clock.monotonic()
        browser = Browser(wire, newcomer.jar.copy())
        answer = await enter_password(browser, page, account.email, account.password)
        if answer.is_redirect:
            took.append(clock.monotonic() - began)
        else:
            # In a surge the probes give way; anything else is a failure to sign in.
            answer.require(answer.outcome is Outcome.OVERLOADED, "a redirect after signing in")
            await asyncio.sleep(0.1)
    return took
