"""The charts of one drill, each with the table of what it shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from ostiary.drills.report import figures
from ostiary.drills.report.plot import Plot
from ostiary.drills.runner import Drill

_ROW_HEIGHT: Final = 9
_COLOURS: Final = 8

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: what it is, the picture, what its colours mean, and the same as a table."""

    title: str
    caption: str
    svg: Markup | None
    columns: Row = ()
    rows: Sequence[Row] = ()
    legend: Sequence[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Span:
    """The time that all charts of a drill show, in seconds from the fault."""

    zero: float
    first: float
    last: float
    moments: Sequence[tuple[float, str]]

    def plot(self, high: float, low: float = 0.0) -> Plot:
        plot = Plot(self.first, self.last, high, low)
        plot.axes()
        plot.moments(self.moments)
        return plot


def charts(drill: Drill) -> list[Chart]:
    """Return all charts of a drill; none where nobody came."""
    if not drill.ledger.entries:
        return []
    span = _span(drill)
    makers: tuple[Callable[[Drill, _Span], Chart], ...] = (_sign_ins, _loads, _evidence, _affected)
    return [make(drill, span) for make in makers]


def _span(drill: Drill) -> _Span:
    entries, facts = drill.ledger.entries, drill.score.facts
    begins = min(entry.intended for entry in entries)
    zero = begins if facts.fault_at is None else facts.fault_at
    moments = [(0.0, "fault")] if facts.fault_at is not None else []
    ended = next((m for m in drill.recorder.moments if "has ended" in m.text), None)
    steps = (drill.change or {}).get("evidence") or {}
    offset = figures.evidence_offset(steps, zero) if steps else 0.0
    moments += [
        (offset + each["seconds"], f"{each['share']:.0%}") for each in steps.get("steps", [])
    ]
    if ended is not None:
        moments.append((ended.at - zero, str(facts.verdict or "no verdict").replace("_", " ")))
    last = max(entry.ended for entry in entries) - zero
    return _Span(zero, begins - zero, last, moments)


def _sign_ins(drill: Drill, span: _Span) -> Chart:
    seconds = figures.sign_ins(drill.ledger.entries, span.zero)
    plot = span.plot(max((each.granted + each.failed for each in seconds), default=1))
    for each in seconds:
        told = f"{each.second} s: {each.granted} signed in, {each.failed} not"
        plot.bar(each.second, 1, (0, each.granted), ("good", told))
        plot.bar(each.second, 1, (each.granted, each.granted + each.failed), ("bad", told))
    return Chart(
        "Sign-ins",
        "Sign-ins that users began in each second, as they saw them end.",
        plot.svg("Sign-ins of each second"),
        ("second", "signed in", "not"),
        [(str(each.second), str(each.granted), str(each.failed)) for each in seconds],
        [("good", "signed in"), ("bad", "failed, refused, too slow, or wrong")],
    )


def _loads(drill: Drill, span: _Span) -> Chart:
    courses = figures.loads(drill.recorder.readings, span.zero)
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
        plot.limit(capacity, f"capacity {capacity:g}")
    return Chart(
        "Load of each replica",
        "Password checks that each replica was asked for, a second; what it sent away is counted.",
        plot.svg("Load of each replica"),
        ("replica", "second", "asked a second", "sent away a second"),
        rows,
        legend,
    )


def _load(load: figures.Load) -> str:
    shed = f", {load.shed:.1f} sent away" if load.shed else ""
    return f"{load.asked:.1f} a second{shed}"


def _evidence(drill: Drill, span: _Span) -> Chart:
    title = "Evidence of harm"
    evidence: dict[str, Any] | None = (drill.change or {}).get("evidence")
    points = [] if not evidence else evidence["points"]
    if evidence is None or not points:
        return Chart(title, _why_no_evidence(drill), None)
    offset, threshold = figures.evidence_offset(evidence, span.zero), evidence["threshold"]
    low = min(0.0, *(point["low"] for point in points))
    plot = span.plot(max(threshold, *(point["high"] for point in points)) * 1.1, low)
    plot.limit(threshold, f"rolled back from {threshold:.1f} nats on")
    line = [
        (offset + point["seconds"], point["log_e"], f"{point['log_e']:.2f} nats, {_point(point)}")
        for point in points
    ]
    plot.line(line, "line colour-0")
    return Chart(
        title,
        _in_words(evidence),
        plot.svg(title),
        ("second", "share", "nats", "requests of the canary", "of control"),
        [
            (
                f"{offset + point['seconds']:.1f}",
                f"{point['share']:.0%}",
                f"{point['log_e']:.2f}",
                str(point["canary_requests"]),
                str(point["control_requests"]),
            )
            for point in points
        ],
    )


def _point(point: dict[str, Any]) -> str:
    return (
        f"share {point['share']:.0%}, {point['canary_requests']} requests of the canary, "
        f"{point['control_requests']} of control"
    )


def _why_no_evidence(drill: Drill) -> str:
    if drill.change is None:
        return "Nothing was proposed, so there is no evidence: nobody looked."
    stage = drill.score.facts.stage
    if stage in {"check", "rehearse"}:
        return f"The change ended in stage {stage}, before any user met it: nothing to weigh."
    return "The two arms were not compared: each replica was held against its capacity instead."


def _in_words(evidence: dict[str, Any]) -> str:
    moment = evidence["reached"] or evidence["highest"]
    if moment is None:
        return "The evidence against the change never rose."
    reached = "reached" if evidence["reached"] else "was highest with"
    return (
        f"{moment['seconds']:.0f} s after the canary began the evidence {reached} "
        f"{moment['log_e']:.1f} nats: {moment['text']}"
    )


def _affected(drill: Drill, span: _Span) -> Chart:
    title = "Who was affected, and when"
    found = figures.affected(drill.ledger.entries, span.zero)
    if not found:
        return Chart(title, "Nobody was.", None)
    height = 46 + _ROW_HEIGHT * len(found)
    plot = Plot(span.first, span.last, len(found), -1, height=height)
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
