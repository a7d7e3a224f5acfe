"""One visit of a simulated user: its actions one after another, each judged and recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ostiary.drills.ledger import Came, Entry, Expected, judge
from ostiary.drills.orders import CLERK
from ostiary.drills.traffic_plan import Visit
from ostiary.drills.users import SimulatedUser
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError

_DETAIL_LENGTH_MAX: Final = 240
_CAME: Final = {
    FailureKind.TIMEOUT: Came.TIMEOUT,
    FailureKind.NO_ANSWER: Came.NO_ANSWER,
    FailureKind.FAULT: Came.FAULT,
    FailureKind.REFUSED: Came.REFUSED,
    FailureKind.GRANTED: Came.WRONG_CONTENT,
    FailureKind.WRONG_CONTENT: Came.WRONG_CONTENT,
    FailureKind.WRONG_IDENTITY: Came.WRONG_IDENTITY,
}

Result = TypeVar("Result")


class VisitRunner:
    """Runs visits. `now` gives Unix seconds that never go backwards within the run."""

    def __init__(
        self,
        record: Callable[[Entry], None],
        now: Callable[[], float],
        *,
        timeout_seconds: float,
        retry: bool,
    ) -> None:
        """Give every action `timeout_seconds`; with `retry`, one more try where none answered."""
        self._record = record
        self._now = now
        self._timeout_seconds = timeout_seconds
        self._retry = retry

    async def run(self, visit: Visit, user: SimulatedUser, intended: float) -> None:
        """Run one visit that was to begin at `intended`; it ends where the user gets no further.

        The first action's latency counts from `intended`, so that a generator that is held up by
        the service does not make the service look faster (coordinated omission). Every further
        action begins when the one before it has ended.
        """
        steps = _Steps(self, visit, user, intended)
        if visit.wrong_password:
            await steps.act("wrong_password", user.mistype_password, expected=Expected.REFUSE)
        signed_in = await steps.act("sign_in", user.sign_in)
        if signed_in is None:
            return
        code, request = signed_in
        tokens = await steps.act("token", lambda: user.redeem(code, request))
        if tokens is None:
            return
        await steps.act("userinfo", lambda: user.look_at_userinfo(tokens))
        if visit.introspect:
            await steps.act("introspect", lambda: user.be_introspected(tokens))
        if visit.forged_token:
            await steps.act(
                "forged_token", lambda: user.send_forged_token(tokens), expected=Expected.REFUSE
            )
        if visit.orders:
            await _order(steps, visit, user, tokens.access_token)
        if visit.refresh:
            await steps.act("refresh", lambda: user.refresh(tokens))

    async def guess(
        self, visit: Visit, user: SimulatedUser, password: str, intended: float
    ) -> None:
        """Try one wrong password in a user's name, and record what came of it."""
        steps = _Steps(self, visit, user, intended)
        await steps.act("guess", lambda: user.guess(password), expected=Expected.REFUSE)

    async def attempt(
        self, action: Callable[[], Awaitable[Result]]
    ) -> tuple[Came, str, Result | None]:
        """Try an action and return what came, why, and its result where it was granted."""
        came, detail, result = await self._attempt_once(action)
        if self._retry and came is Came.NO_ANSWER:
            came, detail, result = await self._attempt_once(action)
        return came, detail, result

    def now(self) -> float:
        """Return Unix seconds."""
        return self._now()

    def record(self, entry: Entry) -> None:
        """Write one action down."""
        self._record(entry)

    async def _attempt_once(
        self, action: Callable[[], Awaitable[Result]]
    ) -> tuple[Came, str, Result | None]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return Came.GRANTED, "", await action()
        except TimeoutError:
            return Came.TIMEOUT, f"no end after {self._timeout_seconds:g} s", None
        except StepFailedError as error:
            request = f", request {error.request_id}" if error.request_id else ""
            detail = f"{error.step}: expected {error.expected}, got {error.got}{request}"
            return _CAME[error.kind], detail[:_DETAIL_LENGTH_MAX], None


async def _order(steps: "_Steps", visit: Visit, user: SimulatedUser, token: str) -> None:
    """Order, look at one's orders, and at those of everybody, which only clerks are shown."""
    is_clerk = CLERK in user.person.roles
    await steps.act("order", lambda: user.orders.order(token))
    for _ in range(visit.looks):
        await steps.act("own_orders", lambda: user.orders.list_own(token))
    await steps.act(
        "all_orders",
        lambda: user.orders.list_all(token),
        expected=Expected.GRANT if is_clerk else Expected.REFUSE,
    )


class _Steps:
    """The actions of one visit, with the time at which the next one is due."""

    def __init__(
        self, runner: VisitRunner, visit: Visit, user: SimulatedUser, intended: float
    ) -> None:
        self._runner = runner
        self._visit = visit
        self._user = user
        self._intended = intended

    async def act(
        self,
        name: str,
        action: Callable[[], Awaitable[Result]],
        *,
        expected: Expected = Expected.GRANT,
    ) -> Result | None:
        """Try one action, record it, and return its result; None where it was not granted."""
        started = self._runner.now()
        came, detail, result = await self._runner.attempt(action)
        ended = self._runner.now()
        ok, wrong_yes = judge(expected, came, ended - self._intended)
        if came is Came.GRANTED and not ok:
            detail = f"took {ended - self._intended:.1f} s" if not wrong_yes else "granted"
        self._runner.record(
            Entry(
                visit=self._visit.number,
                user=self._user.person.name,
                action=name,
                intended=round(self._intended, 4),
                started=round(started, 4),
                ended=round(ended, 4),
                expected=expected,
                came=came,
                ok=ok,
                wrong_yes=wrong_yes,
                detail=detail,
            )
        )
        self._intended = ended
        return result
