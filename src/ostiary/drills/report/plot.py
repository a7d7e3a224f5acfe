"""Drawing charts as SVG: axes, lines, bars and marks, each with its value on hover.

Colours are classes, so that the page's style decides about light and dark. Numbers are in the
units of the data until a `Plot` places them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import Final

from markupsafe import Markup, escape

WIDTH: Final = 860
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 20, 26
_TICKS: Final = 5
_LABEL_CHARACTER: Final = 6.2
"""Width of a character of a label, in the units of the picture, about."""


@dataclass
class Plot:
    """A picture with an axis of seconds from `first` to `last`, and values from `low` to `high`."""

    first: float
    last: float
    high: float
    low: float = 0.0
    height: int = HEIGHT
    parts: list[Markup] = field(default_factory=list)

    def x(self, seconds: float) -> float:
        """Return where a time stands."""
        part = (seconds - self.first) / (self.last - self.first or 1.0)
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Return where a value stands."""
        part = (value - self.low) / (self.high - self.low or 1.0)
        return round(self.height - _BOTTOM - part * (self.height - _TOP - _BOTTOM), 1)

    def axes(self) -> None:
        """Draw the grid of values with their labels, and the times beneath."""
        for value in ticks(self.low, self.high):
            y = self.y(value)
            self._add(
                '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>', _LEFT, WIDTH - _RIGHT, y, y
            )
            self._add('<text class="end" x="{}" y="{}">{}</text>', _LEFT - 6, y + 4, f"{value:g}")
        self.times()

    def times(self) -> None:
        """Write the times beneath."""
        for value in ticks(self.first, self.last):
            self._add(
                '<text class="middle" x="{}" y="{}">{} s</text>',
                self.x(value),
                self.height - 8,
                f"{value:g}",
            )

    def moments(self, moments: Iterable[tuple[float, str]]) -> None:
        """Draw an upright line at each moment, with its label where there is room for one."""
        free_from = 0.0
        for seconds, label in moments:
            x, width = self.x(seconds), len(label) * _LABEL_CHARACTER
            self._add(
                '<line class="moment" x1="{}" x2="{}" y1="{}" y2="{}"><title>{}</title></line>',
                x,
                x,
                _TOP - 4,
                self.height - _BOTTOM,
                label,
            )
            left = min(x, WIDTH - width)
            if left >= free_from:
                self._add('<text class="label" x="{}" y="{}">{}</text>', round(left, 1), 11, label)
                free_from = left + width + 8

    def limit(self, value: float, label: str) -> None:
        """Draw a dashed line across, with its label at the left end, where lines begin low."""
        y = self.y(value)
        self._add(
            '<line class="limit" x1="{}" x2="{}" y1="{}" y2="{}"/>', _LEFT, WIDTH - _RIGHT, y, y
        )
        self._add('<text class="limit" x="{}" y="{}">{}</text>', _LEFT + 4, y - 4, label)

    def bar(
        self, seconds: float, lasted: float, span: tuple[float, float], look: tuple[str, str]
    ) -> None:
        """Draw a bar over a time, between two values; `look` is its class and its hover text."""
        low, high = span
        if high <= low:
            return
        left, right = self.x(seconds), self.x(seconds + lasted)
        self._add(
            '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
            look[0],
            left,
            self.y(high),
            round(max(1.0, right - left - 1), 1),
            round(self.y(low) - self.y(high), 1),
            look[1],
        )

    def line(self, points: Sequence[tuple[float, float, str]], kind: str) -> None:
        """Draw a line through points of time, value and what hovering there tells."""
        if not points:
            return
        path = " ".join(f"{self.x(seconds)},{self.y(value)}" for seconds, value, _ in points)
        self._add('<polyline class="{}" points="{}"/>', kind, path)
        for seconds, value, told in points:
            self.dot(seconds, value, kind, told, size=6, seen=False)

    def dot(
        self,
        seconds: float,
        value: float,
        kind: str,
        told: str,
        *,
        size: float = 3,
        seen: bool = True,
    ) -> None:
        """Draw a dot; one that is not seen only tells its value on hover."""
        self._add(
            '<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>',
            kind if seen else "hover",
            self.x(seconds),
            self.y(value),
            size,
            told,
        )

    def svg(self, title: str) -> Markup:
        """Return the picture; `title` is what it is called by those who cannot see it."""
        head = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}">').format(
            title, WIDTH, self.height
        )
        return head + Markup("").join(self.parts) + Markup("</svg>")

    def _across(self, kind: str, y: float) -> None:
        self._add(
            '<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>', kind, _LEFT, WIDTH - _RIGHT, y, y
        )

    def _add(self, form: str, *values: object) -> None:
        self.parts.append(Markup(form).format(*map(escape, values)))  # noqa: S704 - forms of ours


def ticks(low: float, high: float) -> Iterator[float]:
    """Yield about five round numbers between two values."""
    span = high - low
    if span <= 0:
        yield low
        return
    rough = span / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
    value = step * -(-low // step)
    while value <= high + step / 1e6:
        yield round(value, 6) + 0.0
        value += step
