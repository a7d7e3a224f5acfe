"""`ostiary client …`: the applications that may send people here to sign in."""

from typing import Annotated

import typer
from rich.console import Console

from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result

app = typer.Typer(help="Applications that sign people in here.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Applications that sign people in here."""


@app.command("add")
def add(
    client_id: Annotated[str, typer.Argument(metavar="ID", help="The client's id.")],
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option("--redirect-uri", help="Where codes may be sent; may be repeated."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="No secret: an app in a browser or on a phone.")
    ] = False,
    grant: Annotated[
        list[str] | None,
        typer.Option("--grant", help="A grant type; may be repeated. Default: code and refresh."),
    ] = None,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Register an application; its secret is shown once."""
    body: dict[str, object] = {
        "client_id": client_id,
        "redirect_uris": redirect_uri or [],
        "public": public,
    }
    if grant:
        body["grants"] = grant
    client = guard_client(data, socket).post("/clients", body)
    Output(as_json=json).result(client, _show)


def _show(console: Console, client: Result) -> None:
    console.print(f"client id      {client['client_id']}", markup=False)
    if client.get("client_secret"):
        console.print(f"client secret  {client['client_secret']}", markup=False)
        console.print("The secret is shown this once; keep it where the application reads it.")
