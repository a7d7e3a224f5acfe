"""Drawing a line, and bars, with the characters of a terminal.

Braille characters hold two dots across and four down, so that a line looks like one. Where the
terminal cannot show them, plain ASCII does, with one dot for each character.
"""

from collections.abc import Sequence
from dataclasses import dataclass

_BRAILLE = 0x2800
_DOT_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by its row and column in the character (Unicode, block 2800)."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What a chart is drawn with; `across` and `down` are the dots of one character."""

    across: int
    down: int
    dashes: str
    step: str
    tick: str
    corner: str
    floor: str
    floor_tick: str
    bars: str


UNICODE = Glyphs(2, 4, "╌", "┊", "┤", "└", "─", "┬", " ▁▂▃▄▅▆▇█")
ASCII = Glyphs(1, 1, "-", ":", "|", "+", "-", "+", " .:-=+*#@")


@dataclass(frozen=True, slots=True)
class Reach:
    """Over what one point of a line reaches: from `start` to `end`, between `low` and `high`.

    `last` is the value at its end.
    """

    start: float
    end: float
    low: float
    high: float
    last: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Which values of a line fall onto which dots: `dots` of them from `first` to `last`."""

    first: float
    last: float
    dots: int

    def dot(self, value: float) -> int:
        """Return the dot of a value; what lies outside falls onto the nearest one."""
        span = self.last - self.first
        part = (value - self.first) / span if span else 0.0
        return min(self.dots - 1, max(0, round(part * (self.dots - 1))))


def draw(reaches: Sequence[Reach], across: Scale, up: Scale, glyphs: Glyphs) -> list[str]:
    """Return the rows of a line, the highest first; a blank is where nothing was drawn.

    The scales count characters. Values count for the whole time of their point, as the evidence
    does: it stands still between two windows.
    """
    wide = Scale(across.first, across.last, across.dots * glyphs.across)
    high = Scale(up.first, up.last, up.dots * glyphs.down)
    dots: dict[int, tuple[int, int]] = {}
    before = reaches[0].low if reaches else 0.0
    for reach in reaches:
        # Only the first column of a point has the way from the value before it, and its extremes.
        low, top = min(reach.low, before), max(reach.high, before)
        for x in range(wide.dot(reach.start), wide.dot(reach.end) + 1):
            known = dots.get(x, (high.dots, -1))
            dots[x] = (min(known[0], high.dot(low)), max(known[1], high.dot(top)))
            low = top = reach.last
        before = reach.last
    return _characters(dots, across.dots, up.dots, glyphs)


def _characters(
    dots: dict[int, tuple[int, int]], columns: int, rows: int, glyphs: Glyphs
) -> list[str]:
    """Return rows of characters from the lowest and the highest dot of each column of dots."""
    bits = [[0] * columns for _ in range(rows)]
    for x, (low, top) in dots.items():
        for y in range(low, top + 1):
            row, within = divmod(rows * glyphs.down - 1 - y, glyphs.down)
            bits[row][x // glyphs.across] |= _DOT_BITS[within][x % glyphs.across]
    return ["".join(_character(cell, glyphs) for cell in row) for row in bits]


def _character(bits: int, glyphs: Glyphs) -> str:
    if not bits:
        return " "
    return "*" if glyphs is ASCII else chr(_BRAILLE + bits)


def bars(values: Sequence[float], most: float, glyphs: Glyphs) -> str:
    """Return one bar per value, as high as the value is beside `most`; a little is never none."""
    steps = len(glyphs.bars) - 1
    heights = (
        max(1, round(min(value / most, 1.0) * steps)) if value > 0 < most else 0 for value in values
    )
    return "".join(glyphs.bars[height] for height in heights)
