"""Which mutants of the valid file are refused, and which pass and therefore must be harmless."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import Configuration, parse_configuration
from ostiary.drills.mutants.settings import Mistake
from ostiary.kernel.settings import Problem, SettingsError, parse_document

VALID = Path(__file__).parent / "valid.toml"
FILE = "valid.toml"


@dataclass(frozen=True, slots=True)
class Judged:
    """A file with a mistake, and either its problems or what it says."""

    mutant: Mistake
    problems: tuple[Problem, ...]
    configuration: Configuration | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What a replica would be told of it: its settings and flags."""
        assert self.configuration is not None
        tables = self.configuration.snapshot_settings.to_snapshot()
        return {"settings": tables["identity"], "flags": tables["flags"]}


def judge(mutant: Mistake) -> Judged:
    """Check a mutant as a proposal would be."""
    try:
        configuration = parse_configuration(parse_document(mutant.text, file=FILE))
    except SettingsError as error:
        return Judged(mutant, error.problems)
    problems = check_configuration(configuration)
    return Judged(mutant, problems, None if problems else configuration)


def different_for_replicas(judged: Iterable[Judged], original: Judged) -> list[Judged]:
    """Return the mutants that pass and tell a replica something new, each such thing once."""
    told, found = [original.identity], []
    for each in judged:
        if each.configuration is not None and each.identity not in told:
            told.append(each.identity)
            found.append(each)
    return found
