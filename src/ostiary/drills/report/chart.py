"""What a chart is, and the time that all charts of a drill show."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from ostiary.drills.report.plot import Plot

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
class Span:
    """The time that all charts of a drill show, in seconds from the fault."""

    zero: float
    first: float
    last: float
    moments: Sequence[tuple[float, str]]

    def plot(self, high: float, low: float = 0.0) -> Plot:
        """Return an empty picture of this time, for values from `low` to `high`."""
        plot = Plot(self.first, self.last, high, low)
        plot.axes()
        plot.moments(self.moments)
        return plot
