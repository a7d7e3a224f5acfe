"""`ostiary change …`: proposing a change and following it to its end."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ostiary.changes.model import Stage, Verdict, exit_code_of
from ostiary.cli import change_orders
from ostiary.cli.change_orders import ChangeArgument, selected
from ostiary.cli.change_view import duration, show_change, show_how_to_approve, state_words
from ostiary.cli.following import follow, path_of
from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.kernel.errors import ExitCode, UsageError

app = typer.Typer(help="Changes: proposed, rehearsed, canaried, watched.", no_args_is_help=True)


@app.command("propose")
def propose(
    *,
    release: Annotated[
        list[str] | None,
        typer.Option("--release", metavar="[SERVICE=]PATH", help="A release: directory or wheel."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file of the new snapshot.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow the change to its end; exit with its verdict.")
    ] = False,
    from_stage: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="rehearse, canary or bake.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Skip evidence; needs --reason, and is recorded.")
    ] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it is forced.")] = None,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> int:
    """Propose a change: it is checked, rehearsed, canaried, and rolled back if it does harm."""
    _require_sense(release, config, reason if force else "not forced")
    body: dict[str, Any] = {
        "releases": dict(_service_and_path(item) for item in release or []),
        "config": None if config is None else str(config.expanduser().absolute()),
        "from_stage": from_stage,
        "force": force,
        "reason": reason,
    }
    output = Output(as_json=json)
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


@app.command("list")
def list_(data: DataOption = None, socket: SocketOption = None, json: JsonOption = False) -> None:
    """List all changes, the newest first."""
    changes = guard_client(data, socket).get("/changes")
    Output(as_json=json).result(changes, _show_list)


@app.command("show")
def show(
    change: ChangeArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show one change: what it is, how far it came, and why it ended."""
    value = guard_client(data, socket).get(path_of(change))
    Output(as_json=json).result(value, show_change)


for _order in (
    change_orders.approve,
    change_orders.comment,
    change_orders.pause,
    change_orders.promote,
    change_orders.resume,
    change_orders.rollback,
):
    app.command(_order.__name__)(_order)


def _require_sense(release: list[str] | None, config: Path | None, reason: str | None) -> None:
    if not release and config is None:
        raise UsageError(
            "nothing_proposed",
            "Nothing is proposed.",
            hint="Name a release with --release PATH, or settings with --config FILE.",
        )
    if not (reason or "").strip():
        raise UsageError("reason_missing", "--force needs --reason TEXT.")


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


def _show_list(console: Console, value: Result) -> None:
    if not value["changes"]:
        console.print("No change has been proposed yet.")
        return
    table = Table("change", "proposed", "by", "snapshot", "stage", "verdict", box=None)
    for change in value["changes"]:
        table.add_row(
            change["change"],
            change["proposed_at"][:19].replace("T", " "),
            change["proposed_by"] or "",
            change["snapshot"],
            change["stage"],
            state_words(change),
        )
    console.print(table)
