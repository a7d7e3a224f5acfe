"""The evidence of a change as a chart, and in words.

Time runs to the right from the beginning of the canary. The line is the evidence against the
change in nats; where it reaches the threshold, which is ln 1/alpha, the change is rolled back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from rich.console import Console
from rich.text import Text

from ostiary.cli.plotting import ASCII, UNICODE, Glyphs, Reach, Scale, bars, draw

_ROWS = 10
_LABEL = 9
_COLUMNS_MIN, _COLUMNS_MAX = 24, 100
_TICK_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 86_400)
_TICK_COLUMNS_MIN = 10

Evidence = dict[str, Any]


def show_evidence(console: Console, evidence: Evidence | None) -> None:
    """Print the chart with its explanation; nothing where there was no canary."""
    if not evidence or not evidence["points"]:
        return
    glyphs = ASCII if console.options.ascii_only else UNICODE
    width = min(_COLUMNS_MAX, max(_COLUMNS_MIN, console.width - _LABEL - 3))
    console.print()
    for line in _chart(evidence, width, glyphs):
        line.rstrip()
        console.print(line, no_wrap=True, overflow="crop")
    console.print()
    console.print(in_words(evidence), markup=False, soft_wrap=False)


def in_words(evidence: Evidence) -> str:
    """Return what the chart means."""
    threshold, reached, highest = (evidence[name] for name in ("threshold", "reached", "highest"))
    if reached is not None:
        return (
            f"At {_clock(reached['at'])}, {_duration(reached['seconds'])} after the canary began, "
            f"the evidence reached {reached['log_e']:.1f} of {threshold:.1f} nats: "
            f"{reached['text']}. A harmless change comes that far with a probability of at most "
            f"{100 * exp(-threshold):.2g} %."
        )
    canary = sum(point["canary_requests"] for point in evidence["points"])
    control = sum(point["control_requests"] for point in evidence["points"])
    counted = f"{canary} canary and {control} control requests"
    if highest is None:
        return f"The evidence never rose above 0 nats in {counted}: nothing spoke for harm."
    led = f": {highest['text']}" if highest["text"] else ""
    return (
        f"The evidence did not reach {threshold:.1f} nats in {counted}. It was highest at "
        f"{_clock(highest['at'])} with {highest['log_e']:.1f}{led}."
    )


@dataclass(frozen=True, slots=True)
class _Plot:
    """The scales of one chart, and where its rows of labels are."""

    across: Scale
    up: Scale

    def row(self, value: float) -> int:
        """Return the row of a value, counted from the top."""
        return self.up.dots - 1 - self.up.dot(value)


def _chart(evidence: Evidence, width: int, glyphs: Glyphs) -> Iterator[Text]:
    """Yield the lines of the chart, from its title to the requests beneath it."""
    points, threshold = evidence["points"], evidence["threshold"]
    top = max(threshold, *(point["high"] for point in points))
    bottom = min(0.0, *(point["low"] for point in points))
    end = points[-1]["seconds"]
    plot = _Plot(Scale(0.0, max(end, 1.0), width), Scale(bottom, top, _ROWS))
    reaches = [
        Reach(
            point["seconds"] - point["lasted"],
            point["seconds"],
            point["low"],
            point["high"],
            point["log_e"],
        )
        for point in points
    ]
    steps = [(plot.across.dot(each["seconds"]), each["share"]) for each in evidence["steps"]]
    yield Text("evidence of harm, in nats", style="bold")
    yield from _rows(plot, draw(reaches, plot.across, plot.up, glyphs), threshold, steps, glyphs)
    yield from _axis(plot, glyphs)
    yield _labels("share", ((column, f"{share:.0%}") for column, share in steps), width)
    yield from _requests(points, plot.across, glyphs)


def _rows(
    plot: _Plot,
    lines: Sequence[str],
    threshold: float,
    steps: Sequence[tuple[int, float]],
    glyphs: Glyphs,
) -> Iterator[Text]:
    """Yield the rows of the plot, each with its label where it has one."""
    limit = plot.row(threshold)
    # Of two values on one row the later one is told: the threshold always is.
    values = {plot.row(value): value for value in (plot.up.last, plot.up.first, 0.0, threshold)}
    columns = {column for column, _ in steps if column}
    for number, line in enumerate(lines):
        value = values.get(number)
        label = "" if value is None else f"{value + 0.0:.1f}"
        text = Text(f"{label:>{_LABEL - 1}} ")
        text.append(glyphs.tick if label else _upright(glyphs), style="dim")
        for column, character in enumerate(line):
            if character != " ":
                text.append(character, style="red" if number <= limit else "cyan")
            elif number == limit:
                text.append(glyphs.dashes, style="red")
            else:
                text.append(glyphs.step if column in columns else " ", style="dim")
        yield text


def _upright(glyphs: Glyphs) -> str:
    return "|" if glyphs is ASCII else "│"


def _axis(plot: _Plot, glyphs: Glyphs) -> Iterator[Text]:
    """Yield the axis of time and its labels, as minutes and seconds."""
    seconds = plot.across.last
    every = next(
        (each for each in _TICK_SECONDS if plot.across.dots * each >= _TICK_COLUMNS_MIN * seconds),
        _TICK_SECONDS[-1],
    )
    times = [every * count for count in range(int(seconds // every) + 1)]
    ticks = {plot.across.dot(each): _minutes(each) for each in times}
    floor = "".join(
        glyphs.floor_tick if column in ticks else glyphs.floor for column in range(plot.across.dots)
    )
    yield Text(" " * _LABEL + glyphs.corner + floor, style="dim")
    yield _labels("min:s", ticks.items(), plot.across.dots)


def _labels(name: str, labels: Iterable[tuple[int, str]], width: int) -> Text:
    """Return a row of labels at their columns; one that would touch another is left out.

    At the right end a label moves to the left, so that it still fits.
    """
    line = ""
    for wanted, label in labels:
        column = min(wanted, width - len(label))
        if not line or column > len(line):
            line = line.ljust(column) + label
    return Text.assemble((f"{name:>{_LABEL - 1}}  ", "dim"), line)


def _requests(points: Sequence[Evidence], across: Scale, glyphs: Glyphs) -> Iterator[Text]:
    """Yield a row of bars for each arm: its requests a second."""
    rates = {
        arm: [_rate(points, f"{arm}_requests", column, across) for column in range(across.dots)]
        for arm in ("canary", "control")
    }
    most = max(max(each) for each in rates.values())
    for arm, each in rates.items():
        row = Text.assemble((f"{arm:>{_LABEL - 1}}  ", "dim"), bars(each, most, glyphs))
        yield row
    yield Text(f"{'':>{_LABEL + 1}}requests a second; the highest bar is {most:.1f}", style="dim")


def _rate(points: Sequence[Evidence], arm: str, column: int, across: Scale) -> float:
    """Return the rate in one column: that of the points that reach into it."""
    there = [
        point
        for point in points
        if across.dot(point["seconds"] - point["lasted"]) <= column <= across.dot(point["seconds"])
    ]
    lasted = sum(point["lasted"] for point in there)
    return sum(point[arm] for point in there) / lasted if lasted else 0.0


def _clock(at: str) -> str:
    return f"{at[11:19]} UTC"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{_minutes(seconds)} min"  # noqa: PLR2004
