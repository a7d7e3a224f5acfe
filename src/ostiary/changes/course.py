"""The course of the evidence: how it stood at each moment of a canary, in a bounded series.

A verdict says where the evidence ended; people also want to see how it came there. The series is
for them alone, and nothing is decided by it. It has at most `POINTS_MAX` points: when it is full,
neighbours are joined and each point stands for twice the time from then on. A joined point keeps
the lowest and the highest value, so that no peak is lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from ostiary.changes.evidence import Evidence, StratumWindow
from ostiary.kernel.clock import to_rfc3339

POINTS_MAX = 240
STRATA_MAX = 3
"""How many strata a point names: those with the most evidence against the change."""

_SECONDS_PER_POINT = 1.0


@dataclass(frozen=True, slots=True)
class Point:
    """The evidence over a short time. Times are seconds since the canary began.

    `seconds` is its end, `lasted` its length, `share` the canary's. `log_e` is the evidence of all
    strata at its end in nats, `low` and `high` the bounds in between. Requests are those that ended
    in this time. `strata` has the leading strata with the highest evidence of any of their metrics.
    """

    seconds: float
    lasted: float
    share: float
    log_e: float
    low: float
    high: float
    canary_requests: int
    control_requests: int
    strata: Mapping[str, float]

    def joined(self, later: "Point") -> "Point":
        """Return one point for the time of both."""
        names = {*self.strata, *later.strata}
        highest = {name: max(_of(name, self), _of(name, later)) for name in names}
        return replace(
            later,
            lasted=self.lasted + later.lasted,
            low=min(self.low, later.low),
            high=max(self.high, later.high),
            canary_requests=self.canary_requests + later.canary_requests,
            control_requests=self.control_requests + later.control_requests,
            strata=dict(sorted(highest.items(), key=lambda each: -each[1])[:STRATA_MAX]),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """The evidence at one moment: `seconds` since the canary began, and in words what led it."""

    seconds: float
    log_e: float
    text: str


@dataclass(frozen=True, slots=True)
class Course:
    """The series of one change. `began_at` is when its canary began, `threshold` where it ends.

    `steps` are the canary's shares and when they began. `reached` is when the evidence first came
    to the threshold, `highest` when it was highest; both None where it never rose.
    """

    began_at: datetime
    threshold: float
    steps: tuple[tuple[float, float], ...] = ()
    points: tuple[Point, ...] = ()
    seconds_per_point: float = _SECONDS_PER_POINT
    reached: Moment | None = None
    highest: Moment | None = None

    def at_step(self, share: float, seconds: float) -> "Course":
        """Return the course with a share that the edge has confirmed; the same one is no step."""
        if self.steps and self.steps[-1][1] == share:
            return self
        return replace(self, steps=(*self.steps, (round(seconds, 1), share)))

    def after(
        self, evidence: Evidence, windows: Iterable[StratumWindow], *, seconds: float
    ) -> "Course":
        """Return the course after one window that ended at `seconds`, as the evidence took it."""
        # What is counted in a kind is counted in its class as well.
        counted = tuple(window for window in windows if not window.is_part)
        point = Point(
            seconds=seconds,
            lasted=seconds - (self.points[-1].seconds if self.points else 0.0),
            share=self.steps[-1][1] if self.steps else 0.0,
            log_e=evidence.log_e,
            low=evidence.log_e,
            high=evidence.log_e,
            canary_requests=sum(each.canary.requests for each in counted),
            control_requests=sum(each.control.requests for each in counted),
            strata=_leading(evidence),
        )
        return self.with_moment(evidence, seconds).with_point(point)

    def with_point(self, point: Point) -> "Course":
        """Return the course with one more point, joined with its neighbour where they fit."""
        last = self.points[-1] if self.points else None
        if last is not None and self._belongs_to(last, point):
            return replace(self, points=(*self.points[:-1], last.joined(point)))
        points, span = (*self.points, point), self.seconds_per_point
        while len(points) > POINTS_MAX:
            span *= 2
            points = tuple(_thinned(points, span))
        return replace(self, points=points, seconds_per_point=span)

    def _belongs_to(self, last: Point, point: Point) -> bool:
        # Half a window more or less is what the guard's loop wavers by.
        fits = last.lasted + point.lasted <= self.seconds_per_point * 1.25
        return fits and last.share == point.share

    def with_moment(self, evidence: Evidence, seconds: float) -> "Course":
        """Return the course with the present moment, where it is one to be told."""
        log_e = round(evidence.log_e, 3)
        if log_e <= (0.0 if self.highest is None else self.highest.log_e):
            return self
        leading = evidence.leading(1)
        text = leading[0].text if leading else ""
        moment = Moment(round(seconds, 1), log_e, text)
        first = self.reached is None and evidence.log_e >= self.threshold
        return replace(self, highest=moment, reached=moment if first else self.reached)

    def to_json(self) -> dict[str, Any]:
        """Return the course as it is journalled: the points as rows, the short way."""
        rows = [[_rounded(value) for value in astuple(point)] for point in self.points]
        return {
            "began_at": to_rfc3339(self.began_at),
            "threshold": round(self.threshold, 3),
            "steps": [{"seconds": seconds, "share": share} for seconds, share in self.steps],
            "reached": self._told(self.reached),
            "highest": self._told(self.highest),
            "columns": [field.name for field in fields(Point)],
            "rows": rows,
        }

    def _told(self, moment: Moment | None) -> dict[str, Any] | None:
        if moment is None:
            return None
        at = to_rfc3339(self.began_at + timedelta(seconds=moment.seconds))
        return {"at": at, **asdict(moment)}


def with_points(course: Mapping[str, Any]) -> dict[str, Any]:
    """Return a journalled course as people and programs read it: each point with its names."""
    told = {name: value for name, value in course.items() if name not in ("columns", "rows")}
    points = [dict(zip(course["columns"], row, strict=True)) for row in course["rows"]]
    return {**told, "points": points}


def _leading(evidence: Evidence) -> dict[str, float]:
    """Return the strata with the most evidence, each with its weightiest metric's."""
    strata: dict[str, float] = {}
    for contribution in evidence.leading(STRATA_MAX * 4):
        strata.setdefault(contribution.stratum, contribution.log_e)
    return dict(list(strata.items())[:STRATA_MAX])


def _thinned(points: Sequence[Point], span: float) -> Iterator[Point]:
    """Yield the points with neighbours joined that fit into one span; steps stay apart."""
    held = points[0]
    for point in points[1:]:
        if held.share == point.share and held.lasted + point.lasted <= span * 1.25:
            held = held.joined(point)
        else:
            yield held
            held = point
    yield held


def _of(name: str, point: Point) -> float:
    return point.strata.get(name, float("-inf"))


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any field of a point
    if isinstance(value, Mapping):
        return {name: round(number, 2) for name, number in value.items()}
    return round(value, 3) if isinstance(value, float) else value
