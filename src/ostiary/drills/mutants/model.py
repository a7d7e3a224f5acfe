"""What the trial speaks of: a mutant, and how it ended."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from ostiary.kernel.ids import Random

T = TypeVar("T")


class MutantKind(StrEnum):
    """Where the fault is: in identity's code, or in the settings file."""

    CODE = "code"
    SETTINGS = "settings"


class End(StrEnum):
    """What became of a mutant.

    The first four are the stages that stopped it. `harmless` passed, and nothing that a client or a
    test could see was different; `reworded` says something else to people, and is harmless for
    the rest. `escaped` passed, and something was different. `unjudged` passed, and there was
    nothing to judge it by: identity's tests are not part of an installed Ostiary.
    """

    CHECK = "check"
    REHEARSE = "rehearse"
    CANARY = "canary"
    BAKE = "bake"
    HARMLESS = "harmless"
    REWORDED = "reworded"
    ESCAPED = "escaped"
    UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: `text` is the whole of the file with it, `diff` what a reviewer would see.

    `path` is relative to the release, or names the settings file; `line` counts from 1.
    """

    kind: MutantKind
    number: int
    path: str
    line: int
    text: str = field(repr=False)
    diff: str = field(repr=False)

    @property
    def key(self) -> str:
        """Return what two runs know the same fault by."""
        return hashlib.sha256(f"{self.kind}\0{self.path}\0{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Passage:
    """How a mutant went through the stages.

    `stopped_at` is the stage that stopped it, None where none did; `reasons` are the change's own
    words. `seen` are differences that a client sees between what it and the original answer,
    `worded` those that are nothing but words; `users` is how many were affected meanwhile, and
    `harmed` tells of the first of them.
    """

    stopped_at: str | None
    reasons: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    worded: tuple[str, ...] = ()
    users: int = 0
    harmed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One mutant with all that is known of it; `tests` are those of identity's that failed.

    `tests` is None where they were not run: the mutant was stopped, or there are none.
    """

    mutant: Mutant
    passage: Passage
    tests: tuple[str, ...] | None = None

    @property
    def end(self) -> End:
        """Return what became of it."""
        if self.passage.stopped_at is not None:
            return End(self.passage.stopped_at)
        if self.passage.seen or (self.tests and not self.passage.worded):
            return End.ESCAPED
        if self.passage.worded:
            return End.REWORDED
        is_judged = self.tests is not None or self.mutant.kind is MutantKind.SETTINGS
        return End.HARMLESS if is_judged else End.UNJUDGED


def choose(of: Sequence[T], rng: Random) -> T:
    """Return one of several, each with the same chance."""
    return of[below(len(of), rng)]


def below(bound: int, rng: Random) -> int:
    """Return a number from 0 to below `bound`, each with the same chance."""
    return int(rng.uniform() * bound)
