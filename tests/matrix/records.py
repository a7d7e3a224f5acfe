"""What users tried and got: actions with one retry, judged as their client sees them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from ostiary.drills.ledger import Came, Entry, Expected, LedgerWriter, judge
from ostiary.drills.visits import _CAME
from ostiary.guard.client import GuardError
from ostiary.kernel.errors import ExitCode, NotRunningError
from ostiary.watch.relying_party.errors import StepFailedError
from tests.matrix.moments import Now

RETRY_AFTER_SECONDS = 0.2
_AWAY_CODES = {"store_unavailable", "no_replica", "overloaded"}

Result = TypeVar("Result")


@dataclass(slots=True)
class Recorder:
    """Carries actions out and writes each into the ledger, and keeps it for the checks."""

    ledger: LedgerWriter
    now: Now
    entries: list[Entry] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    async def act(
        self,
        user: str,
        action: str,
        call: Callable[[], Awaitable[Result]],
        *,
        expected: Expected = Expected.GRANT,
        again: bool = True,
    ) -> Result | None:
        """Try an action and return its result, None where it was not granted.

        With `again` it is tried once more where no answer came: what a browser does when a
        connection breaks. An action that may not be repeated as it is has `again` false.
        """
        started = self.now()
        came, detail, result = await _try(call)
        if came is Came.NO_ANSWER and again:
            await asyncio.sleep(RETRY_AFTER_SECONDS)
            came, second, result = await _try(call)
            detail = f"{second} (first: {detail})"
        ended = self.now()
        ok, wrong_yes = judge(expected, came, 0.0)
        entry = Entry(
            visit=next(self._numbers),
            user=user,
            action=action,
            intended=round(started, 4),
            started=round(started, 4),
            ended=round(ended, 4),
            expected=expected,
            came=came,
            ok=ok,
            wrong_yes=wrong_yes,
            detail=detail,
        )
        self.ledger.append(entry)
        self.entries.append(entry)
        return result if came is Came.GRANTED else None


async def _try(call: Callable[[], Awaitable[Result]]) -> tuple[Came, str, Result | None]:
    try:
        return Came.GRANTED, "", await call()
    except StepFailedError as error:
        request = f", request {error.request_id}" if error.request_id else ""
        detail = f"{error.step}: expected {error.expected}, got {error.got}{request}"
        came = _CAME[error.kind]
        if came is Came.REFUSED and error.got.startswith("HTTP 5"):
            # A page that asks to try again later, with the form still on it, refuses nobody.
            came = Came.FAULT
        return came, detail, None
    except NotRunningError as error:
        return Came.NO_ANSWER, f"guard: {error.message}", None
    except GuardError as error:
        fault = error.code in _AWAY_CODES or error.exit_code is ExitCode.INTERNAL
        detail = f"guard: {error.code}: {error.message}"
        return Came.FAULT if fault else Came.REFUSED, detail, None
