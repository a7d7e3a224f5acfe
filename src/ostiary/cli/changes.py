"""`ostiary change …`: proposing a change and following it to its end."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ostiary.cli.change_view import show_change
from ostiary.cli.following import follow, path_of
from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.output import Output, Result
from ostiary.cli.proposing import propose, selected
from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import ExitCode

app = typer.Typer(help="Changes: proposed, rehearsed, canaried, watched.", no_args_is_help=True)

ChangeArgument = Annotated[str, typer.Argument(metavar="CHANGE", help="The change's id.")]


app.command("propose")(propose)


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List all changes, the newest first."""
    changes = GuardClient(data_directory(data)).get("/changes")
    Output(as_json=json).result(changes, _show_list)


@app.command("show")
def show(
    change: ChangeArgument,
    patch: Annotated[
        bool, typer.Option("--patch", help="Also show the differing lines of the releases.")
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show one change: what it would change, how far it came, and why it ended."""
    client = GuardClient(data_directory(data))
    value = client.get(path_of(change))
    if patch:
        value |= client.get(path_of(change, "patch"))
    Output(as_json=json).result(value, show_change)


@app.command("rollback")
def rollback(
    change: ChangeArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")] = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Roll a running change back now, or take back the one that made the last good snapshot."""
    client = GuardClient(data_directory(data))
    output = Output(as_json=json)
    ordered = client.post(path_of(change, "rollback"), {"reason": reason})
    settled = follow(client, ordered["change"], output)
    output.result(selected(settled), lambda console, _: show_change(console, settled))
    return int(ExitCode.DONE)


@app.command("pause")
def pause(change: ChangeArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Keep a running change at its share until it is resumed."""
    _command(change, "pause", data_directory(data), Output(as_json=json))


@app.command("resume")
def resume(change: ChangeArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Let a paused change go on."""
    _command(change, "resume", data_directory(data), Output(as_json=json))


@app.command("promote")
def promote(change: ChangeArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """End a change's canary or bake early; the evidence so far is recorded with it."""
    _command(change, "promote", data_directory(data), Output(as_json=json))


def _command(change: str, kind: str, data: Path, output: Output) -> None:
    value = GuardClient(data).post(path_of(change, kind))
    output.result(value, show_change)


def _show_list(console: Console, value: Result) -> None:
    if not value["changes"]:
        console.print("No change has been proposed yet.")
        return
    table = Table("change", "proposed", "snapshot", "stage", "verdict", "", box=None)
    for change in value["changes"]:
        table.add_row(
            change["change"],
            change["proposed_at"][:19].replace("T", " "),
            change["snapshot"],
            change["stage"],
            change["verdict"] or "running",
            Text(_remark(change)),
        )
    console.print(table)


def _remark(change: Result) -> str:
    """Return in a word what makes a change unlike any other."""
    marks = [word.upper() for word in ("forced", "security") if change[word]]
    marks += [word for word in ("tightens", "fixes", "restores") if change[word]]
    return " ".join(marks)
