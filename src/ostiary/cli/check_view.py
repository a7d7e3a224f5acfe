"""The result of a check as text: one paragraph for each problem, then one line in sum."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from ostiary.changes.check_report import CheckReport
from ostiary.kernel.settings import Problem

_WIDTH = 96
_SHOWN_MAX = 100


def text_of(report: CheckReport, file: str) -> str:
    """Return what people read; `file` is the name they gave."""
    return "\n".join(_lines(report, file))


def _lines(report: CheckReport, file: str) -> Iterator[str]:
    for problem in report.problems[:_SHOWN_MAX]:
        yield from _paragraph(problem)
        yield ""
    unseen = len(report.problems) - _SHOWN_MAX
    if unseen > 0:
        yield f"… and {unseen} more; --json shows all."
        yield ""
    for replica in report.load:
        yield _load_line(replica)
    yield _sum(len(report.problems), file)


def _paragraph(problem: Problem) -> Iterator[str]:
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    key = "" if problem.key is None else f"  {problem.key}"
    yield typer.style(place, fg="red", bold=True) + key + typer.style(f"  {problem.code}", dim=True)
    yield from _wrapped("  ", problem.message)
    if problem.hint:
        yield from _wrapped("  → ", problem.hint)


def _wrapped(lead: str, text: str) -> Iterator[str]:
    """Yield the lines of a paragraph; words are not broken, since people copy them."""
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _load_line(replica: Mapping[str, Any]) -> str:
    return (
        f"{replica['replica']}: {_percent(replica['share'])} of the requests, "
        f"{_percent(replica['utilisation'])} used, "
        f"{_percent(replica['utilisation_one_lost'])} with one node lost"
    )


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _sum(count: int, file: str) -> str:
    if not count:
        return typer.style(f"{file}: no problems.", fg="green")
    return typer.style(f"{file}: {count} problem{'s' * (count > 1)}.", fg="red", bold=True)
