"""`ostiary check`: what is wrong with a settings file, for people, programs and pipelines."""

import json as json_module
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ostiary.changes.check_report import CheckReport, report_on
from ostiary.changes.configuration import SettingsFile
from ostiary.changes.environment import misleading_variables
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.cli.check_view import text_of
from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.sarif import sarif_log
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode, NotRunningError, OstiaryError, UsageError
from ostiary.kernel.files import write_atomically
from ostiary.kernel.settings import Problem

_GUARD_SECONDS_MAX = 5.0


class Format(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The settings file.")],
    form: Annotated[
        Format, typer.Option("--format", help="How the result is printed.")
    ] = Format.TEXT,
    sarif: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 to this file as well."),
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Check a settings file: file, line and key of each problem, and what to write instead."""
    if json and form is Format.SARIF:
        raise UsageError("two_formats", "--json and --format sarif exclude each other.")
    path = file.expanduser()
    report = report_on(path, Surroundings(today=SystemClock().now().date()))
    report, compared = _compared(report, path, data_directory(data))
    if sarif is not None:
        _write(sarif.expanduser(), report, file)
    _tell(compared, report)
    if json or form is Format.JSON:
        sys.stdout.write(json_module.dumps(report.to_json(), ensure_ascii=False) + "\n")
    elif form is Format.SARIF:
        sys.stdout.write(_sarif(report, file))
    else:
        typer.echo(text_of(report, str(path)))
    return int(ExitCode.REFUSED if report.problems else ExitCode.DONE)


def _compared(report: CheckReport, path: Path, data: Path) -> tuple[CheckReport, str]:
    """Return the report with what a running guard knows besides, and a sentence about that."""
    if not report.parsed:
        return report, "checked by itself; it cannot be read far enough to be compared"
    try:
        client = GuardClient(data, seconds_max=_GUARD_SECONDS_MAX)
        answer = client.post("/check", {"config": str(path.absolute())})
    except NotRunningError as error:
        why = "no guard runs" if error.code == "guard_not_running" else "the guard does not answer"
        return report, f"checked by itself, not against what is served: {why} on {data}"
    except OstiaryError as error:
        # A guard of an earlier version, or one whose last good snapshot cannot be read.
        return (
            report,
            f"checked by itself, the guard cannot compare it: {error.message.rstrip('.')}",
        )
    problems = [Problem(**{**each, "file": str(path)}) for each in answer["problems"]]
    return report.joined(problems, answer["load"]), (
        f"compared with the last good snapshot {answer['compared_with']}"
    )


def _tell(compared: str, report: CheckReport) -> None:
    """Say what is worth knowing and refuses nothing."""
    for warning in [*report.warnings, *misleading_variables(os.environ, SettingsFile)]:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"note: {compared}.", err=True)


def _sarif(report: CheckReport, file: Path) -> str:
    return json_module.dumps(sarif_log(report, file), ensure_ascii=False, indent=2) + "\n"


def _write(target: Path, report: CheckReport, file: Path) -> None:
    try:
        write_atomically(target, _sarif(report, file).encode(), mode=0o644)
    except OSError as error:
        raise UsageError(
            "sarif_not_written",
            f"{target} cannot be written: {os.strerror(error.errno or 0)}.",
            hint="Name a file in a directory that exists and is writable.",
        ) from error
