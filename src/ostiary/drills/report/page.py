"""Writing the report: one file without scripts, that needs no network and no other file."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ostiary.drills.mode import Mode
from ostiary.drills.report.charts import charts
from ostiary.drills.report.words import (
    end_in_words,
    mode_in_words,
    reasons_heading,
    told_once,
)
from ostiary.drills.runner import Drill
from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import write_atomically

_PACKAGE: Final = "ostiary.drills.report"


def require_writable(path: Path) -> None:
    """Raise `UsageError` where no report can be written; asked before a drill takes minutes."""
    try:
        # Writing replaces what is there, which must not happen to a device or a pipe.
        if path.exists() and not path.is_file():
            raise _not_writable(f"{path} is {'a directory' if path.is_dir() else 'no file'}")
        # Named as it is when it is written, since a name can be too long.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise _not_writable(f"{path}: {error.strerror}") from error


def _not_writable(why: str) -> UsageError:
    return UsageError(
        "report_not_writable",
        f"The report cannot be written: {why}.",
        hint="Name a file in a directory in which you may write, such as drills.html.",
    )


def write_report(path: Path, drills: Sequence[Drill], *, now: datetime) -> None:
    """Write the report of these drills; raises `UsageError` where the file cannot be written."""
    try:
        write_atomically(path, render(drills, now=now).encode(), mode=0o644)
    except OSError as error:
        raise UsageError(
            "report_not_writable", f"The report {path} cannot be written: {error.strerror}."
        ) from error


def render(drills: Sequence[Drill], *, now: datetime) -> str:
    """Return the page."""
    style = (resources.files(_PACKAGE) / "page.css").read_text("utf-8")
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    guarded = [drill for drill in drills if drill.order.mode is Mode.GUARDED]
    return environment.get_template("page.html").render(
        style=Markup(style),  # noqa: S704 - our own file
        drills=[_told(drill) for drill in drills],
        met=sum(not drill.unmet for drill in drills),
        guarded=len(guarded),
        unharmed=sum(not drill.score.void and not drill.score.users_affected for drill in guarded),
        now=f"{now.astimezone(UTC):%-d %B %Y, %H:%M} UTC",
    )


def _told(drill: Drill) -> dict[str, Any]:
    """Return what the page tells of one drill."""
    content, facts = drill.order.scenario.content, drill.score.facts
    zero, result = facts.fault_at, drill.to_json()
    return {
        "name": facts.drill,
        "anchor": f"{facts.drill}-{facts.mode}-{facts.from_stage or ''}".rstrip("-"),
        "mode": drill.order.way,
        "told_mode": mode_in_words(drill.order),
        "ended": end_in_words(result),
        "content": content,
        "result": result,
        "unmet": drill.unmet,
        "why": reasons_heading(facts),
        "reasons": told_once([text for _, text in facts.reasons]),
        "moments": [
            (_clock(moment.at), "" if zero is None else f"{moment.at - zero:+.1f} s", moment.text)
            for moment in drill.recorder.moments
        ],
        "charts": charts(drill),
        "seed": drill.order.seed,
    }


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
