"""The promises, checked on what was recorded. Pure: records in, broken promises out.

What is allowed while something is away:

- No Envoy that counts: no answer. Each user tries once more where a connection broke; an action
  that cannot be repeated as it is may fail while one of the Envoys is away.
- An Envoy that stands still: time-outs of those whose connections lead to it, and the 504 that it
  gives itself when it goes on.
- No Envoy that counts, and then one again: all who waited arrive at once. Of those, 503 to who has
  a password checked.
- No replica that counts: the edge's own 503.
- Database away: 503 for what needs it. Published keys do not; nor do recent tokens, once every
  replica has been up for a moment and knows the client. What has just ended may go on.
- Database locked by somebody else: 503 for what writes.
- No core to be had (`Outages.starved`): all of these.

Everything else is allowed never: a refusal of what was right, a grant of what was wrong, somebody
else's answer, a status of 500.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ostiary.drills.ledger import Came, Entry, Expected
from tests.matrix.moments import Span
from tests.matrix.watching import Outages
from tests.matrix.wire import Exchange

ANSWER_SECONDS_MAX = 15.0
"""Any answer comes within this time, unless an Envoy stands still; a busy machine included."""

_NOT_REPEATED = {"sign_up", "sign_out", "user_add"}
_OF_OPERATOR = {"user_add", "user_disable"}
_HASHED = {"sign_in", "sign_up", "wrong_password", "disabled_user"}
_ENDED = {"ended_session", "ended_token"}
_WITHOUT_DATABASE = {"jwks"}
_VOUCHED_FOR = {"userinfo", "introspect"}
_READING = {"session", "ended_session", "userinfo", "introspect", "forged_token", "ended_token"}
_ANSWERED_BY_EDGE = {503, 504}


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken promise: its letter, what happened, and when (Unix seconds)."""

    promise: str
    text: str
    at: float


def check_entries(
    entries: Iterable[Entry], outages: Outages, no_guard: Sequence[Span]
) -> list[Broken]:
    """Check what users, applications and the operator got."""
    found = []
    for entry in entries:
        if (promise := _broken_promise(entry, outages, no_guard)) is not None:
            text = f"{entry.action} of {entry.user}: {entry.came} {entry.detail}"
            found.append(Broken(promise, text, entry.started))
    return found


def _broken_promise(entry: Entry, outages: Outages, no_guard: Sequence[Span]) -> str | None:
    """Return the promise that an action broke; None where it broke none."""
    span = Span(entry.started, entry.ended)
    if entry.came is Came.GRANTED:
        return _granted(entry, span, outages)
    if entry.came is Came.REFUSED:
        return _refused(entry, span, outages)
    if entry.came in {Came.WRONG_CONTENT, Came.WRONG_IDENTITY}:
        return "no wrong answer"
    commanded = entry.action in _OF_OPERATOR and _meets(span, no_guard)
    if commanded or _meets(span, outages.starved) or _excused(entry, span, outages):
        return None
    return "served while enough is up"


def _granted(entry: Entry, span: Span, outages: Outages) -> str | None:
    if entry.expected is Expected.GRANT:
        return None
    remembered = entry.action in _ENDED and _meets(span, outages.database)
    return None if remembered else "no wrong yes"


def _refused(entry: Entry, span: Span, outages: Outages) -> str | None:
    if entry.expected is Expected.REFUSE:
        return None
    if entry.action == "user_add" and _meets(span, outages.fewer_replicas):
        # The guard asks the next replica where one broke off: that one may know the user already.
        return None
    if entry.action in {"refresh", "after_refresh", "introspect", "after_family"}:
        return "no family revoked without a reuse"
    return "nothing acknowledged is lost" if entry.action.startswith("after_") else "no wrong no"


def _excused(entry: Entry, span: Span, outages: Outages) -> bool:
    if entry.came is Came.FAULT and _meets(span, outages.envoy_paused) and "504" in entry.detail:
        return True
    if entry.came is Came.FAULT:
        away = list(outages.no_replica)
        away += outages.no_envoy if entry.action in _HASHED and "503" in entry.detail else []
        known = entry.action in _VOUCHED_FOR and not _meets(span, outages.fewer_replicas)
        if entry.action not in _WITHOUT_DATABASE and not known:
            away += outages.database
            away += [] if entry.action in _READING else outages.database_locked
        return _meets(span, away)
    if entry.came is Came.NO_ANSWER and entry.action in _NOT_REPEATED:
        return _meets(span, outages.fewer_envoys)
    return _meets(span, [*outages.no_envoy, *outages.envoy_paused])


def check_exchanges(exchanges: Iterable[Exchange], outages: Outages) -> list[Broken]:
    """Check every answer of the edge: no bug's status ever, and an end in bounded time."""
    found = []
    for exchange in exchanges:
        name = f"{exchange.method} {exchange.path}, request {exchange.request_id or 'unknown'}"
        if exchange.status >= 500 and exchange.status not in _ANSWERED_BY_EDGE:
            text = f"HTTP {exchange.status} to {name}"
            found.append(Broken("never a status of 500", text, exchange.span.start))
        slow = exchange.span.seconds > ANSWER_SECONDS_MAX
        if slow and not _meets(exchange.span, [*outages.envoy_paused, *outages.starved]):
            text = f"{exchange.span.seconds:.1f} s for {name}"
            found.append(Broken("answers in bounded time", text, exchange.span.start))
    return found


def check_change(verdict: str | None, stage: str) -> list[Broken]:
    """Check how a change that was proposed in the middle has ended."""
    if verdict in {"promoted", "rolled_back", "refused"}:
        return []
    return [Broken("a change comes to its end", f"verdict {verdict} in stage {stage}", 0.0)]


def _meets(span: Span, outages: Iterable[Span]) -> bool:
    return any(span.meets(outage) for outage in outages)
