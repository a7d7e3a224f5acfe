"""What is seen while a drill runs: its moments, and what each replica was asked for.

The replicas are asked themselves, about once a second, so that their load is known even while no
guard runs.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from ostiary.drills.beside import beside
from ostiary.drills.joined import OtherTraffic
from ostiary.guard.load_readings import count_in
from ostiary.kernel.clock import Clock
from ostiary.runtime.ports import IDENTITY, Replica
from ostiary.runtime.replica_files import ReplicaFiles

_EVERY_SECONDS: Final = 1.0
_ANSWER_SECONDS_MAX: Final = 0.5
_SHED: Final = 'result="shed"'


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, in a sentence; `at` is in Unix seconds.

    `mark` is the word or two by which charts name it; nothing where they leave it out.
    """

    at: float
    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class LoadReading:
    """What a replica had been asked for at one time: passwords so far, and those it sent away.

    `seat` is its number in its group, from 0.
    """

    at: float
    replica: str
    snapshot: str
    seat: int
    asked: float
    shed: float


@dataclass
class Recorder:
    """Takes down moments, which are told as well, readings, and the traffic of others."""

    clock: Clock
    tell: Callable[[str], None]
    moments: list[Moment] = field(default_factory=list)
    readings: list[LoadReading] = field(default_factory=list)
    others: list[OtherTraffic] = field(default_factory=list)

    def note(self, text: str, mark: str = "") -> float:
        """Take down and tell what has just happened; return when, in Unix seconds."""
        now = self.clock.now().timestamp()
        self.moments.append(Moment(now, text, mark))
        self.tell(text)
        return now

    @contextmanager
    def reading_loads(self, data: Path) -> Iterator[None]:
        """Read the replicas of a data directory until the block ends."""
        with beside(partial(self._read_on, data)):
            yield

    def _read_on(self, data: Path, ended: threading.Event) -> None:
        files = ReplicaFiles(data / "replicas")
        with httpx.Client(timeout=_ANSWER_SECONDS_MAX, trust_env=False) as client:
            while not ended.wait(_EVERY_SECONDS):
                for record in files.records():
                    if record.replica is not None and record.replica.service == IDENTITY:
                        self._read(client, record.replica)

    def _read(self, client: httpx.Client, replica: Replica) -> None:
        """Read one replica; one that does not answer in time has no reading for this second."""
        try:
            text = client.get(f"http://{replica.host}:{replica.health_port}/metrics").text
            asked, shed = count_in(text), count_in(text, _SHED)
        except (httpx.HTTPError, ValueError):
            return
        now = self.clock.now().timestamp()
        self.readings.append(
            LoadReading(now, replica.name, replica.snapshot, replica.seat, asked, shed)
        )
