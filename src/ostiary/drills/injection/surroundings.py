"""What a drill's system stands on, where a fault needs it to be the drill's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ostiary.drills.order import DrillOrder


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was set up before the system starts; `arguments` are more of `ostiary up`."""

    arguments: tuple[str, ...] = ()


@contextmanager
def surrounding(order: DrillOrder, directory: Path) -> Iterator[Surroundings]:
    """Set up what the drill's system is to stand on; take it down when the block ends."""
    del order, directory
    yield Surroundings()
