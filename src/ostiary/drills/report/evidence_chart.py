"""The chart of the evidence against a change."""

from math import exp
from typing import Any

from ostiary.drills.mode import Mode
from ostiary.drills.report import figures
from ostiary.drills.report.chart import Chart, Span
from ostiary.drills.runner import Drill
from ostiary.drills.scenarios.fault import FaultKind


def evidence_chart(drill: Drill, span: Span) -> Chart:
    """Return the course of the evidence against its threshold, or why there is none."""
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
    stage = drill.score.facts.stage
    if drill.change is None:
        return "Nothing was proposed, so there is no evidence: nobody looked."
    if stage in {"check", "rehearse"}:
        return f"The change ended in stage {stage}, before any user met it: nothing to weigh."
    if drill.order.mode is Mode.UNGUARDED:
        return (
            "Everybody got the change at once, as in the outage: nobody compared it with what was."
        )
    if drill.order.scenario.content.fault.kind is FaultKind.EDGE:
        return (
            "The change starts no new version that could be compared with the last good one: each "
            "replica was held against its capacity instead."
        )
    return "The change was taken back before requests of users could be compared."


def _in_words(evidence: dict[str, Any]) -> str:
    means = (
        "How strongly requests of users speak against the new version, in nats, which are natural "
        "logarithms. At the dashed line it is rolled back; of harmless versions at most "
        f"{100 * exp(-evidence['threshold']):.2g} % come that far. "
    )
    moment = evidence["reached"] or evidence["highest"]
    if moment is None:
        return f"{means}Here it never rose."
    reached = "reached" if evidence["reached"] else "was highest with"
    return (
        f"{means}{moment['seconds']:.0f} s after the canary began it {reached} "
        f"{moment['log_e']:.1f} nats: {moment['text']}."
    )
