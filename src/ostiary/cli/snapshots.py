"""`ostiary snapshot …`: what could be served, and what is."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.cli.revocation_view import exit_code_of, show_revocation

app = typer.Typer(help="Snapshots: releases and settings together.", no_args_is_help=True)

_HASH_SHOWN = 12


@app.command("list")
def list_(data: DataOption = None, socket: SocketOption = None, json: JsonOption = False) -> None:
    """List all snapshots, the last good one first."""
    value = guard_client(data, socket).get("/snapshots")
    Output(as_json=json).result(value, _show_list)


@app.command("revoke")
def revoke(
    snapshot: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The snapshot's id.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> int:
    """Take back all that a snapshot which does not serve has minted. For admins.

    Its keys, sessions, codes and refresh tokens count no longer, on all replicas, before the
    command returns. Whoever has any must sign in again.
    """
    path = f"/snapshots/{quote(snapshot, safe='')}/revoke"
    value = guard_client(data, socket).post(path, {"reason": reason})
    Output(as_json=json).result(value, show_revocation)
    return int(exit_code_of(value))


@app.command("show")
def show(
    snapshot: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The snapshot's id.")],
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show what one snapshot is made of, with every setting."""
    path = f"/snapshots/{quote(snapshot, safe='')}"
    value = guard_client(data, socket).get(path)
    Output(as_json=json).result(value, _show_one)


def _show_list(console: Console, value: Result) -> None:
    table = Table("snapshot", "", "release of identity", "proposed by", "ended", box=None)
    for row in value["snapshots"]:
        latest: dict[str, Any] = next(iter(row["changes"]), {})
        ended = latest.get("verdict") or ("under way" if latest else "")
        table.add_row(
            row["snapshot"],
            _state(row),
            row["releases"].get("identity", "")[:_HASH_SHOWN],
            latest.get("change", "first start"),
            ended.replace("_", " "),
        )
    console.print(table)


def _state(row: Result) -> str:
    """Return in a few words what can be done with a snapshot."""
    was_good = any(change["verdict"] == "promoted" for change in row["changes"])
    facts = {
        "served": row["is_served"],
        "good": row["is_good"],
        "good mark taken away": was_good and not row["is_good"],
        "release removed": not row["is_startable"],
    }
    return ", ".join(word for word, holds in facts.items() if holds)


def _show_one(console: Console, value: Result) -> None:
    console.print(f"snapshot {value['snapshot']}", style="bold", markup=False)
    table = Table.grid(padding=(0, 2))
    for service, release in value["releases"].items():
        table.add_row(f"release of {service}", release)
    for name, keys in value["settings"].items():
        for key, setting in keys.items():
            table.add_row(f"{name}.{key}", str(setting))
    console.print(table)
