"""Reading the counters back from the text that Envoy prints, by the names of `access_stats`."""

import re
from collections import Counter
from collections.abc import Mapping

from ostiary.edge.access_stats import (
    ATTEMPT_STAT,
    FINAL_STAT,
    PREFIX,
    SEAT_PREFIX,
    SEAT_STAT,
    SUBJECT_PREFIX,
    SUBJECT_STAT,
    TOTAL_PREFIX,
)
from ostiary.edge.counters import AttemptKey, EdgeCounters, FinalKey, SeatKey, SubjectKey
from ostiary.edge.route_classes import Arm, Served
from ostiary.edge.service_answers import read_answer
from ostiary.edge.tag_rules import FIRST_ATTEMPT, read_kind

COUNTER_FILTER = rf"^({PREFIX}|{SEAT_PREFIX}|{SUBJECT_PREFIX}|{TOTAL_PREFIX})\."
"""The regular expression for Envoy's `/stats` that selects what `parse_counters` reads."""

_ARMS = "|".join(arm.value for arm in Arm)
_ATTEMPT = re.compile(
    rf"{PREFIX}\.{ATTEMPT_STAT}\.route\.(\w+)\.({_ARMS})"
    r"\.served\.([\w-]*)\.attempt\.(\d)\.outcome\.(\w+?)(?:\.kind\.(\w+))?"
)
_FINAL = re.compile(rf"{PREFIX}\.{FINAL_STAT}\.route\.(\w+)\.({_ARMS})\.status\.(\w+)")
_SEAT = re.compile(
    rf"{SEAT_PREFIX}\.{SEAT_STAT}\.cluster\.(\w+)\.served\.(\w+)\.attempt\.(\d)\.number\.(\d+)"
)
_SUBJECT = re.compile(
    rf"{SUBJECT_PREFIX}\.{SUBJECT_STAT}\.route\.(\w+)\.({_ARMS})\.kind\.(\w+)\.subject\.(\d+)"
)
_ANY_ATTEMPT = f"{PREFIX}.{ATTEMPT_STAT}."
_ANY_FINAL = f"{PREFIX}.{FINAL_STAT}."


def parse_counters(text: str) -> EdgeCounters:
    """Return the counters in the text form of Envoy's `/stats`; other lines are left out."""
    attempts: Counter[AttemptKey] = Counter()
    finals: Counter[FinalKey] = Counter()
    seats: Counter[SeatKey] = Counter()
    subjects: Counter[SubjectKey] = Counter()
    names: Counter[str] = Counter()
    for line in text.splitlines():
        name, _, number = line.partition(": ")
        if not number.isdecimal():
            continue
        value = int(number)
        names[name] += value
        if attempt := _ATTEMPT.fullmatch(name):
            if (kind := _attempt_key(attempt)) is not None:
                attempts[kind] += value
        elif final := _FINAL.fullmatch(name):
            finals[FinalKey(final[1], Arm(final[2]), final[3])] += value
        elif (seat := _SEAT.fullmatch(name)) and seat[2] in tuple(Served):
            key = SeatKey(seat[1], Served(seat[2]), int(seat[4]), seat[3] == FIRST_ATTEMPT)
            seats[key] += value
        elif subject := _SUBJECT.fullmatch(name):
            subjects[_subject_key(subject)] += value
    return EdgeCounters(
        attempts=dict(attempts),
        finals=dict(finals),
        seats=dict(seats),
        subjects=dict(subjects),
        named_attempts=_begin_with(_ANY_ATTEMPT, names),
        named_finals=_begin_with(_ANY_FINAL, names),
        attempts_total=names[f"{TOTAL_PREFIX}.{ATTEMPT_STAT}"],
        finals_total=names[f"{TOTAL_PREFIX}.{FINAL_STAT}"],
    )


def _begin_with(prefix: str, names: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in names.items() if name.startswith(prefix)}


def _subject_key(match: re.Match[str]) -> SubjectKey:
    kind = read_kind(match[1], match[3])
    return SubjectKey(match[1], Arm(match[2]), int(match[4]), kind)


def _attempt_key(match: re.Match[str]) -> AttemptKey | None:
    try:
        served = Served(match[3])
    except ValueError:
        return None
    return AttemptKey(
        match[1],
        Arm(match[2]),
        served,
        match[4] == FIRST_ATTEMPT,
        read_answer(match[1], match[5]),
        read_kind(match[1], match[6]),
    )
