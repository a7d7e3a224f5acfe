"""The charts of one drill, each with the table of what it shows."""

from collections.abc import Callable
from math import ceil, floor
from typing import Final

from ostiary.drills.report import figures
from ostiary.drills.report.chart import Chart, Span
from ostiary.drills.report.evidence_chart import evidence_chart
from ostiary.drills.report.plot import Plot
from ostiary.drills.runner import Drill
from ostiary.drills.scenarios.fault import FaultKind

_ROW_HEIGHT: Final = 9
_COLOURS: Final = 8


def charts(drill: Drill) -> list[Chart]:
    """Return all charts of a drill; none where nobody came."""
    if not drill.ledger.entries:
        return []
    span = _span(drill)
    makers: tuple[Callable[[Drill, Span], Chart], ...] = (
        _visits,
        _loads,
        evidence_chart,
        _affected,
    )
    return [make(drill, span) for make in makers]


def _span(drill: Drill) -> Span:
    entries, facts = drill.ledger.entries, drill.score.facts
    begins = min(entry.intended for entry in entries)
    zero = begins if facts.fault_at is None else facts.fault_at
    moments = [(each.at - zero, each.mark) for each in drill.recorder.moments if each.mark]
    last = max(entry.ended for entry in entries) - zero
    return Span(zero, floor(begins - zero), ceil(last), moments)


def _visits(drill: Drill, span: Span) -> Chart:
    seconds = figures.visits(drill.ledger.entries, span.zero)
    plot = span.plot(max((each.well + each.failed for each in seconds), default=1))
    for each in seconds:
        told = f"{each.second} s: {each.well} went well, {each.failed} did not"
        plot.bar(each.second, 1, (0, each.well), ("good", told))
        plot.bar(each.second, 1, (each.well, each.well + each.failed), ("bad", told))
    return Chart(
        "Visits",
        "Visits that users began in each second: they sign in, get tokens and use them. Seconds "
        "count from the moment at which the fault was let loose.",
        plot.svg("Visits of each second"),
        ("second", "went well", "did not"),
        [(str(each.second), str(each.well), str(each.failed)) for each in seconds],
        [("good", "went well"), ("bad", "something failed, was refused, too slow, or wrong")],
    )


def _loads(drill: Drill, span: Span) -> Chart:
    courses = figures.loads(drill.recorder.readings, span.zero, _proposed(drill))
    capacity = drill.order.scenario.content.topology.capacity
    highest = max((load.asked for course in courses.values() for load in course), default=1.0)
    plot = span.plot(max(highest, capacity or 0.0, 1.0) * 1.1)
    rows, legend = [], []
    for number, (name, course) in enumerate(courses.items()):
        kind = f"line colour-{number % _COLOURS}"
        legend.append((kind, name))
        shown = [load for load in course if span.first <= load.second <= span.last]
        plot.line(
            [
                (load.second, load.asked, f"{name}, {load.second:.0f} s: {_load(load)}")
                for load in shown
            ],
            kind,
        )
        rows += [
            (name, f"{load.second:.1f}", f"{load.asked:.1f}", f"{load.shed:.1f}") for load in shown
        ]
    if capacity is not None:
        plot.limit(capacity, f"each can do {capacity:g} a second")
    return Chart(
        "Load of each replica",
        "Passwords that each replica of the login service was asked to check, a second; those that "
        "it had no room for are counted.",
        plot.svg("Load of each replica"),
        ("replica", "second", "asked a second", "sent away a second"),
        rows,
        legend,
    )


def _proposed(drill: Drill) -> str | None:
    """Return the snapshot whose replicas are new ones; None where the change brought none."""
    replaces = drill.order.scenario.content.fault.kind is not FaultKind.EDGE
    return None if drill.change is None or not replaces else str(drill.change["snapshot"])


def _load(load: figures.Load) -> str:
    shed = f", {load.shed:.1f} sent away" if load.shed else ""
    return f"{load.asked:.1f} a second{shed}"


def _affected(drill: Drill, span: Span) -> Chart:
    title = "Who was affected, and when"
    found = figures.affected(drill.ledger.entries, span.zero)
    if not found:
        return Chart(title, "Nobody was.", None)
    height = 56 + _ROW_HEIGHT * len(found)
    plot = Plot(span.first, span.last, len(found), -1, height=height)
    plot.times()
    plot.moments(span.moments)
    for row, each in enumerate(reversed(found)):
        for moment in each.moments:
            plot.dot(moment, row, "bad", f"{each.user}, {moment:.1f} s: {each.came}")
    return Chart(
        title,
        f"{len(found)} of {drill.score.users_total} users. A row is a user, a dot an action that "
        "failed though a correct service would have granted it.",
        plot.svg(title),
        ("user", "first, s", "last, s", "actions", "what came", "the first one"),
        [
            (
                each.user,
                f"{each.moments[0]:.1f}",
                f"{each.moments[-1]:.1f}",
                str(each.actions),
                each.came,
                each.detail,
            )
            for each in found
        ],
    )
