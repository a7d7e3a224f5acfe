"""What a rule answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.kernel.settings import KeyPath


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule objects to: at which key, under which stable code, and what to write instead."""

    key: KeyPath
    code: str
    message: str
    hint: str


Rule = Callable[[Configuration], Iterator[Finding]]
"""A pure function of the settings; it yields nothing where it has no objection."""

ComparingRule = Callable[[Configuration, Surroundings], Iterator[Finding]]
"""A pure function of the settings and of the system that they are proposed for."""
