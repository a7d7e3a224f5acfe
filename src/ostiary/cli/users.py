"""`ostiary user …`: the accounts that can sign in."""

import sys
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import UsageError

app = typer.Typer(help="Accounts that can sign in.", no_args_is_help=True)
_PASSWORD_BYTES_MAX = 4096

EmailArgument = Annotated[str, typer.Argument(help="The person's e-mail address.")]


@app.command("add")
def add(
    email: EmailArgument,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="A role; may be repeated.")
    ] = None,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Add a person who can sign in."""
    if not password_stdin:
        raise UsageError(
            "password_missing",
            "The password is read from standard input only, so that it stays out of the "
            "process list.",
            hint='Write: printf %s "$PASSWORD" | ostiary user add EMAIL --password-stdin',
        )
    body = {"email": email, "password": _read_password(), "roles": role or []}
    user = guard_client(data, socket).post("/users", body)
    Output(as_json=json).result(user, _show_user)


@app.command("list")
def list_(data: DataOption = None, socket: SocketOption = None, json: JsonOption = False) -> None:
    """List everybody who can sign in."""
    users = guard_client(data, socket).get("/users")
    Output(as_json=json).result(users, _show_users)


@app.command("show")
def show(
    email: EmailArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show one person."""
    user = guard_client(data, socket).get(f"/users/{quote(email, safe='')}")
    Output(as_json=json).result(user, _show_user)


@app.command("disable")
def disable(
    email: EmailArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a person from signing in; open sessions end at once."""
    _set_state(email, "disable", guard_client(data, socket), Output(as_json=json))


@app.command("enable")
def enable(
    email: EmailArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Let a disabled person sign in again."""
    _set_state(email, "enable", guard_client(data, socket), Output(as_json=json))


def _set_state(email: str, action: str, client: GuardClient, output: Output) -> None:
    user = client.post(f"/users/{quote(email, safe='')}/{action}")
    output.result(user, _show_user)


def _read_password() -> str:
    raw = sys.stdin.buffer.read(_PASSWORD_BYTES_MAX + 1)
    if len(raw) > _PASSWORD_BYTES_MAX:
        raise UsageError("password_too_long", "Standard input holds more than a password.")
    try:
        password = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError("password_not_utf8", "The password must be UTF-8 text.") from None
    if not password:
        raise UsageError("password_missing", "Standard input held no password.")
    return password


def _show_user(console: Console, user: Result) -> None:
    roles = ", ".join(user["roles"]) or "no roles"
    state = "disabled" if user["disabled"] else "can sign in"
    console.print(f"{user['email']}  ({roles}; {state})", markup=False)


def _show_users(console: Console, value: Result) -> None:
    if not value["users"]:
        console.print("Nobody has signed up yet. Add a person with `ostiary user add`.")
        return
    table = Table("e-mail", "roles", "state", box=None, header_style="bold")
    for user in value["users"]:
        state = "disabled" if user["disabled"] else "can sign in"
        table.add_row(user["email"], ", ".join(user["roles"]), state)
    console.print(table)
