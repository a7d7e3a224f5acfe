"""Counters that somebody posts: what they may hold, and what was counted between two readings.

One reading holds the counters of all sources of both versions at one moment. They are totals since
each source began, so that a reading that is lost loses nothing, and one that comes twice adds
nothing. What lies between two readings is one window of both arms, as `evidence` wants it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.kernel.errors import UsageError

COUNTERS_MAX = 2_000
_LARGEST = 2**53
"""Whole numbers up to here are the same in every JSON reader (RFC 8259, section 6)."""

_Total = Annotated[int, Field(ge=0, le=_LARGEST)]
_Word = Annotated[str, Field(min_length=1, max_length=200)]
_Key = tuple[str, str, str]


class Counter(BaseModel):
    """Totals of one source: requests that have ended, and how many failed or were refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    arm: Literal["canary", "stable"]
    route: _Word
    source: str = Field("", max_length=200)
    requests: _Total
    faults: _Total
    refusals: _Total = 0


class Reading(BaseModel):
    """All counters at one moment. `share` is the part of the traffic that the new version gets."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    revision: _Word
    share: float | None = Field(None, ge=0, le=100)
    counters: list[Counter] = Field(max_length=COUNTERS_MAX)

    @property
    def by_source(self) -> Mapping[_Key, Counter]:
        """Return the counters by arm, route and source."""
        return {(each.arm, each.route, each.source): each for each in self.counters}


@dataclass(frozen=True, slots=True)
class Difference:
    """What was counted between two readings: one window per route that had requests."""

    windows: tuple[StratumWindow, ...]
    share: float | None = None
    new_share: bool = False


def read(body: Mapping[str, Any]) -> Reading:
    """Return a posted reading; raises `UsageError` that names what is wrong in it."""
    try:
        reading = Reading.model_validate(dict(body))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise _malformed(f"`{where}`: {first['msg']}.") from None
    if len(reading.by_source) < len(reading.counters):
        raise _malformed("Two counters have the same arm, route and source.")
    for each in reading.counters:
        if max(each.faults, each.refusals) > each.requests:
            raise _malformed(
                f"The counter of {each.arm}, {each.route} has more faults or refusals than "
                "requests."
            )
    return reading


def difference(before: Reading | None, now: Reading) -> Difference | None:
    """Return what was counted since the reading before; None for the first of a revision.

    A source that was not there before says nothing yet: since when it counts is not known. One
    whose totals have fallen has begun again, and all of them are new. Where the share of the
    traffic was changed in between, a burst would look as if the arm that grew had caused it:
    nothing of that window counts.
    """
    if before is None or before.revision != now.revision:
        return None
    if before.share != now.share:
        return Difference((), now.share, new_share=True)
    known = before.by_source
    windows: dict[str, StratumWindow] = {}
    for key, counter in now.by_source.items():
        if key not in known:
            continue
        since = _since(known[key], counter)
        window = windows.get(counter.route, StratumWindow(counter.route, ArmCounts(), ArmCounts()))
        canary, control = window.canary, window.control
        if counter.arm == "canary":
            canary += since
        else:
            control += since
        windows[counter.route] = StratumWindow(counter.route, canary, control)
    counted = tuple(each for each in windows.values() if _has_requests(each))
    return Difference(counted, now.share)


def _since(before: Counter, now: Counter) -> ArmCounts:
    totals = (now.requests, now.faults, now.refusals)
    earlier = (before.requests, before.faults, before.refusals)
    if any(new < old for new, old in zip(totals, earlier, strict=True)):
        earlier = (0, 0, 0)
    return ArmCounts(*(new - old for new, old in zip(totals, earlier, strict=True)))


def _has_requests(window: StratumWindow) -> bool:
    return bool(window.canary.requests or window.control.requests)


def _malformed(message: str) -> UsageError:
    return UsageError(
        "counts_malformed",
        f"The counts cannot be used. {message}",
        hint='Post {"revision": "…", "counters": [{"arm": "canary", "route": "token", "source": '
        '"pod-1", "requests": 100, "faults": 0, "refusals": 3}, …]}, with whole totals since each '
        "source began.",
    )
