"""The numbers behind the charts of a drill: pure functions of its ledger and its readings.

All times are in seconds from the moment at which the fault was let loose, negative before it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Any

from ostiary.drills.ledger import Entry
from ostiary.drills.recording import LoadReading

_RATE_READINGS = 3
"""How many readings back a rate reaches: over a single second few passwords are only noise."""


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits that users began in one second, by whether all went well that was their due."""

    second: int
    well: int
    failed: int


@dataclass(frozen=True, slots=True)
class Load:
    """What one replica was asked for: sign-ins a second at the end of a short time."""

    second: float
    asked: float
    shed: float


@dataclass(frozen=True, slots=True)
class Affected:
    """One user who was affected: when for the first and the last time, how often, and by what."""

    user: str
    moments: tuple[float, ...]
    actions: int
    came: str
    detail: str


def visits(entries: Iterable[Entry], zero: float) -> list[Visits]:
    """Return the visits of each second, seconds without any left out."""
    began: dict[int, float] = {}
    harmed: set[int] = set()
    for entry in entries:
        began[entry.visit] = min(entry.intended, began.get(entry.visit, entry.intended))
        if entry.grantable and not entry.ok:
            harmed.add(entry.visit)
    counted: dict[int, Counter[bool]] = defaultdict(Counter)
    for visit, at in began.items():
        counted[floor(at - zero)][visit in harmed] += 1
    return [Visits(second, each[False], each[True]) for second, each in sorted(counted.items())]


def loads(
    readings: Iterable[LoadReading], zero: float, proposed: str | None = None
) -> dict[str, list[Load]]:
    """Return the course of the load of each replica, named by its version and seat.

    `proposed` is the snapshot of the change, None where the replicas stay the same.
    """
    by_replica: dict[str, list[LoadReading]] = defaultdict(list)
    for reading in readings:
        by_replica[reading.replica].append(reading)
    courses: dict[str, list[Load]] = {}
    for replica, read in by_replica.items():
        name = _name(read[0], proposed)
        # One that was replaced has the seat of another.
        name = f"{name} ({replica})" if name in courses else name
        if course := list(_rates(read, zero)):
            courses[name] = course
    return dict(sorted(courses.items()))


def _name(reading: LoadReading, proposed: str | None) -> str:
    version = "new version" if reading.snapshot == proposed else "last good"
    return (
        f"replica {reading.seat + 1}"
        if proposed is None
        else (f"{version}, replica {reading.seat + 1}")
    )


def _rates(readings: Sequence[LoadReading], zero: float) -> Iterable[Load]:
    for number, after in enumerate(readings):
        before = readings[max(0, number - _RATE_READINGS)]
        lasted = after.at - before.at
        if lasted > 0:
            asked, shed = after.asked - before.asked, after.shed - before.shed
            yield Load(round(after.at - zero, 2), asked / lasted, shed / lasted)


def affected(entries: Iterable[Entry], zero: float) -> list[Affected]:
    """Return the users who were affected, those who were first at the top."""
    by_user: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.grantable and not entry.ok:
            by_user[entry.user].append(entry)
    found = [
        Affected(
            user,
            tuple(round(entry.ended - zero, 2) for entry in bad),
            len(bad),
            ", ".join(dict.fromkeys(entry.came.value for entry in bad)),
            bad[0].detail,
        )
        for user, bad in by_user.items()
    ]
    return sorted(found, key=lambda each: each.moments[0])


def evidence_offset(evidence: dict[str, Any], zero: float) -> float:
    """Return when the canary began, in seconds from the fault."""
    return datetime.fromisoformat(evidence["began_at"]).timestamp() - zero
