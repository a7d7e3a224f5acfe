"""Time within a run: Unix seconds that a correction of the wall clock cannot move."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ostiary.kernel.clock import Clock

_POLL_SECONDS = 0.02

Now = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another."""

    start: float
    end: float

    def meets(self, other: "Span") -> bool:
        """Return whether the two have a moment in common."""
        return self.start <= other.end and other.start <= self.end

    @property
    def seconds(self) -> float:
        return self.end - self.start


def now_of(clock: Clock) -> Now:
    offset = clock.now().timestamp() - clock.monotonic()
    return lambda: offset + clock.monotonic()


async def wait_until(condition: Callable[[], bool]) -> None:
    """Return once a condition is true; it is looked at apart, so that the users go on."""
    met = False
    while not met:
        await asyncio.sleep(_POLL_SECONDS)
        met = await asyncio.to_thread(condition)


def spans_where(samples: list[tuple[float, bool]], *, margin: float = 0.0) -> list[Span]:
    """Return the spans in which the sampled value was true; each reaches to the next sample.

    `margin` is added at both ends, for what happens between two samples.
    """
    spans: list[Span] = []
    began: float | None = None
    for at, value in samples:
        if value and began is None:
            began = at
        elif not value and began is not None:
            spans.append(Span(began - margin, at + margin))
            began = None
    if began is not None:
        spans.append(Span(began - margin, samples[-1][0] + margin))
    return spans
