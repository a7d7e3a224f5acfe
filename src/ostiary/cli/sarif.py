"""The result of a check as SARIF 2.1.0, which code hosts and editors show beside the lines.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.13 to 3.52.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from ostiary import __version__
from ostiary.changes.check_report import CheckReport
from ostiary.kernel.settings import Problem

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HELP = (
    "The message says what is wrong and what to write instead. `ostiary settings schema` prints "
    "what each key may hold."
)


def sarif_log(report: CheckReport, file: Path) -> dict[str, Any]:
    """Return the log of one run. `file` is named as it was given, so that hosts find it."""
    levels = [(each, "error") for each in report.problems]
    levels += [(each, "warning") for each in report.warnings]
    rules = {each.code: _rule(each) for each, _ in reversed(levels)}
    numbers = {code: number for number, code in enumerate(rules)}
    uri = _uri(file)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ostiary check",
                        "version": __version__,
                        "rules": list(rules.values()),
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, level, uri, numbers) for each, level in levels],
            }
        ],
    }


def _rule(problem: Problem) -> dict[str, Any]:
    """Return what a host shows of a kind of problem (section 3.49)."""
    words = problem.code.replace("_", " ")
    return {
        "id": problem.code,
        "shortDescription": {"text": f"{words[:1].upper()}{words[1:]}."},
        "help": {"text": _HELP},
    }


def _result(problem: Problem, level: str, uri: str, numbers: dict[str, int]) -> dict[str, Any]:
    """Return one problem (section 3.27). Without a line the file as a whole is meant."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if problem.line is not None:
        physical["region"] = {"startLine": problem.line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if problem.key is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.key, "kind": "property"}]
    return {
        "ruleId": problem.code,
        "ruleIndex": numbers[problem.code],
        "level": level,
        "message": {"text": f"{problem.message} {problem.hint}".strip()},
        "locations": [location],
    }


def _uri(file: Path) -> str:
    """Return a path as a URI reference: absolute with its scheme, else relative (RFC 3986)."""
    return file.as_uri() if file.is_absolute() else quote(file.as_posix())
