"""`ostiary change propose`: everything that can be said about a change before it begins."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ostiary.changes.model import Stage, Verdict, exit_code_of
from ostiary.cli.change_orders import selected
from ostiary.cli.change_view import duration, show_change, show_how_to_approve
from ostiary.cli.following import follow
from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.cli.settings_file import note_variables
from ostiary.kernel.errors import ExitCode

ReleaseOption = Annotated[
    list[str] | None,
    typer.Option("--release", metavar="[SERVICE=]PATH", help="A release: directory or wheel."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file of the new snapshot.")
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Follow the change to its end; exit with its verdict.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="STAGE", help="rehearse, canary or bake.")
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Skip rules and evidence; needs --reason, and is recorded."),
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Why; shown to whoever looks at the change.")
]
SecurityOption = Annotated[
    bool,
    typer.Option("--security", help="A security fix: rehearsed, then for all; needs --reason."),
]
TightensOption = Annotated[
    list[str] | None,
    typer.Option("--tightens", metavar="ROUTE:OUTCOME", help="A refusal that is meant."),
]
FixesOption = Annotated[
    str | None,
    typer.Option("--fixes", metavar="CHANGE", help="Replay in rehearsal what stopped it."),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Try a snapshot that was refused before.")
]


def propose(
    *,
    release: ReleaseOption = None,
    config: ConfigOption = None,
    wait: WaitOption = False,
    from_stage: FromOption = None,
    force: ForceOption = False,
    reason: ReasonOption = None,
    security: SecurityOption = False,
    tightens: TightensOption = None,
    fixes: FixesOption = None,
    again: AgainOption = False,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> int:
    """Propose a change: it is checked, rehearsed, canaried, and rolled back if it does harm."""
    body: dict[str, Any] = {
        "releases": dict(_service_and_path(item) for item in release or []),
        "config": None if config is None else str(config.expanduser().absolute()),
        "from_stage": from_stage,
        "force": force,
        "reason": reason,
        "security": security,
        "tightens": tightens or [],
        "fixes": fixes,
        "again": again,
    }
    output = Output(as_json=json)
    note_variables(output)
    client = guard_client(data, socket)
    change = client.post("/changes", body)
    output.note(_announcement(change))
    if not wait:
        output.result(selected(change), lambda console, _: _show_next(console, change))
        return int(ExitCode.DONE)
    return _tell_end(output, follow(client, change["change"], output))


def _tell_end(output: Output, change: Result) -> int:
    """Print how far the change came, and return the exit code; waiting is no failure."""
    output.result(selected(change), lambda console, _: show_change(console, change))
    verdict = change["verdict"]
    return int(exit_code_of(verdict and Verdict(verdict), Stage(change["stage"])))


def _service_and_path(item: str) -> tuple[str, str]:
    """Split `SERVICE=PATH`; a path alone is meant for identity."""
    service, separator, path = item.partition("=")
    if not separator or "/" in service:
        service, path = "identity", item
    return service, str(Path(path).expanduser().absolute())


def _announcement(change: Result) -> str:
    needs = "after approval, " if change["approval"]["approvers"] else ""
    return (
        f"change {change['change']}: {change['from_snapshot']} → {change['snapshot']}, {needs}"
        f"expected to take {duration(change['expected_seconds'])} if it is healthy"
    )


def _show_next(console: Console, change: Result) -> None:
    console.print(f"Proposed. Follow it with: ostiary change show {change['change']}", markup=False)
    if change["approval"]["approvers"]:
        show_how_to_approve(console, change)
