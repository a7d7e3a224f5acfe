"""What a check of one settings file has found: problems, warnings, and the load of each replica."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.changes.checks import LOAD_CHECKS, check_configuration, problem_of
from ostiary.changes.configuration import SettingsFile, load_configuration
from ostiary.changes.deprecations import deprecated_keys
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.kernel.settings import Problem, SettingsError


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found, in the order of the file. `parsed` is whether rules could be asked at all.

    `load` has one JSON object for each replica, and is empty where nothing is known of the load.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    load: tuple[Mapping[str, Any], ...] = ()
    parsed: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `ostiary check`."""
        return {
            "ok": not self.problems,
            "problems": [problem.to_json() for problem in self.problems],
            "load": [dict(replica) for replica in self.load],
        }

    def joined(
        self, problems: Iterable[Problem], load: Sequence[Mapping[str, Any]]
    ) -> "CheckReport":
        """Return this report with what somebody found who knows the running system."""
        both = tuple(dict.fromkeys((*self.problems, *problems)))
        return CheckReport(_in_order(both), self.warnings, tuple(load) or self.load, self.parsed)


def report_on(path: Path | None, surroundings: Surroundings) -> CheckReport:
    """Check a settings file. Raises `UsageError` where there is no readable file."""
    try:
        configuration = load_configuration(path)
    except SettingsError as error:
        return CheckReport(error.problems, parsed=False)
    document = configuration.document
    problems = check_configuration(configuration, surroundings)
    warnings = deprecated_keys(SettingsFile, document.tables, surroundings.today)
    return CheckReport(
        _in_order(problems),
        _in_order([problem_of(finding, document) for finding in warnings]),
        tuple(row for check in LOAD_CHECKS for row in check(configuration, surroundings)),
    )


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))
