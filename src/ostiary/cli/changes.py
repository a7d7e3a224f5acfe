"""`ostiary change …`: proposing a change and following it to its end."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ostiary.cli import change_orders
from ostiary.cli.change_orders import ChangeArgument
from ostiary.cli.change_view import show_change, state_words
from ostiary.cli.evidence_chart import show_evidence
from ostiary.cli.following import path_of
from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.cli.proposing import propose

app = typer.Typer(help="Changes: proposed, rehearsed, canaried, watched.", no_args_is_help=True)


app.command("propose")(propose)


@app.command("list")
def list_(data: DataOption = None, socket: SocketOption = None, json: JsonOption = False) -> None:
    """List all changes, the newest first."""
    changes = guard_client(data, socket).get("/changes")
    Output(as_json=json).result(changes, _show_list)


@app.command("show")
def show(
    change: ChangeArgument,
    patch: Annotated[
        bool, typer.Option("--patch", help="Also show the differing lines of the releases.")
    ] = False,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show one change: what it would change, how far it came, and why it ended."""
    client = guard_client(data, socket)
    value = client.get(path_of(change))
    if patch:
        value |= client.get(path_of(change, "patch"))
    Output(as_json=json).result(value, _show)


def _show(console: Console, value: Result) -> None:
    show_change(console, value)
    show_evidence(console, value.get("evidence"))


for _order in (
    change_orders.approve,
    change_orders.comment,
    change_orders.pause,
    change_orders.promote,
    change_orders.resume,
    change_orders.rollback,
):
    app.command(_order.__name__)(_order)


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


def _remark(change: Result) -> str:
    """Return in a word what makes a change unlike any other."""
    marks = [word.upper() for word in ("forced", "security") if change[word]]
    marks += [word for word in ("tightens", "fixes", "restores") if change[word]]
    return " ".join(marks)
