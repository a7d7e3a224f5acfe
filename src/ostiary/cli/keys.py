"""`ostiary keys …`: the keys that tokens are signed with."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result

app = typer.Typer(help="Keys that tokens are signed with.", no_args_is_help=True)


@app.command("list")
def list_(data: DataOption = None, socket: SocketOption = None, json: JsonOption = False) -> None:
    """List every signing key there ever was, the newest first."""
    keys = guard_client(data, socket).get("/keys")
    Output(as_json=json).result(keys, _show_keys)


@app.command("rotate")
def rotate(
    kid: Annotated[
        str | None,
        typer.Option("--kid", help="The key to replace (default: the one that signs now)."),
    ] = None,
    revoke: Annotated[
        bool,
        typer.Option("--revoke", help="Withdraw it: tokens that it signed count no longer."),
    ] = False,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Sign with the next key from now on."""
    body: dict[str, object] = {"revoke": revoke}
    if kid is not None:
        body["kid"] = kid
    rotated = guard_client(data, socket).post("/keys/rotate", body)
    Output(as_json=json).result(rotated, _show_rotation)


def _show_keys(console: Console, value: Result) -> None:
    # No table: it would cut the id, which is what `--kid` takes.
    console.print(f"{'state':<11}{'signs since':<18}{'snapshot':<16}{'alg':<7}key", style="bold")
    for key in value["keys"]:
        since, snapshot = _time(key["claimed_at"]), key["snapshot"] or ""
        # A release from before there were several does not name the one that it knows.
        algorithm = key.get("algorithm", "ES256")
        row = f"{key['state']:<11}{since:<18}{snapshot:<16}{algorithm:<7}{key['kid']}"
        console.print(row, markup=False)


def _show_rotation(console: Console, value: Result) -> None:
    state = "is withdrawn" if value["revoked"] else "goes on verifying what it signed"
    console.print(f"{value['signing']} signs; {value['kid']} {state}.", markup=False)
    console.print("Every replica follows within five seconds.")


def _time(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
