"""`ostiary up`, `down` and `status`: starting, stopping and looking at the whole system."""

import shlex
import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from ostiary.cli import guard_process
from ostiary.cli.edge_view import certificate_warning, encryption
from ostiary.cli.example import example_settings
from ostiary.cli.options import (
    DataOption,
    JsonOption,
    SocketOption,
    data_directory,
    guard_client,
)
from ostiary.cli.output import Output, Result
from ostiary.cli.settings_file import note_variables
from ostiary.cli.status_view import STATUS_KEYS, drift_lines, status_view
from ostiary.guard.client import GuardClient
from ostiary.guard.options import GuardOptions
from ostiary.kernel.errors import NotRunningError

_UP_KEYS = (
    "issuer",
    "status_url",
    "console",
    "admin_link",
    "demo",
    "guard_pid",
    "edge",
    "listen",
    "certificate",
    "replicas",
)
_REPLICA_KEYS = ("service", "name", "pid", "port", "snapshot")
_REFRESH_SECONDS = 0.5

DetachOption = Annotated[
    bool, typer.Option("--detach", help="Return when ready; the guard is kept running.")
]
ExampleOption = Annotated[
    bool, typer.Option("--example", help="Start a small orders API too, from a copy of its code.")
]


def up(
    detach: DetachOption = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Settings file (default: ./ostiary.toml where it exists)."),
    ] = None,
    example: ExampleOption = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, help="Port for users (default: that of edge.listen)."
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            envvar="OSTIARY_DATABASE_URL",
            show_envvar=True,
            help="Database URL (default: SQLite in the data directory).",
        ),
    ] = None,
    envoy: Annotated[
        Path | None, typer.Option("--envoy", help="Another Envoy binary than the packaged one.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Start the login service, other services, edge and guard; ready when this prints."""
    output = Output(as_json=json)
    note_variables(output)
    if example:
        config = example_settings(data_directory(data), config)
    options = GuardOptions.combine(
        data_directory(data), config=config, port=port, database=database, envoy=envoy
    )
    ready = partial(_tell_ready, output=output, options=options, detach=detach)
    if detach:
        ready(guard_process.start_detached(options))
    else:
        guard_process.run_in_foreground(options, ready)


def _tell_ready(
    status: dict[str, Any], *, output: Output, options: GuardOptions, detach: bool
) -> None:
    _note_drift(output, status)
    if warning := certificate_warning(status):
        output.note(warning)
    show = partial(_show_ready, options=options, detach=detach)
    output.result(_ready_result(status), show)


def _note_drift(output: Output, status: dict[str, Any]) -> None:
    """Say what on disk is not what is served: a person may have expected it."""
    for line in drift_lines(status):
        output.note(f"note: {line}")


def _ready_result(status: dict[str, Any]) -> Result:
    replicas = [{key: item[key] for key in _REPLICA_KEYS} for item in status["replicas"]]
    return {key: status[key] for key in _UP_KEYS} | {"replicas": replicas}


def down(data: DataOption = None, socket: SocketOption = None, json: JsonOption = False) -> None:
    """Stop replicas, edge and guard in an orderly way; the data stays."""
    client = guard_client(data, socket)
    if client.is_elsewhere:
        stopped = _stop_from_outside(client)
    else:
        stopped = guard_process.stop(data_directory(data))
    Output(as_json=json).result(
        stopped, lambda console, _: console.print("Stopped. The data stays where it is.")
    )


def _stop_from_outside(client: GuardClient) -> Result:
    """Ask the guard to stop everything; return when it answers no longer."""
    stopped = client.post("/shutdown")
    try:
        while True:
            time.sleep(_REFRESH_SECONDS)
            client.post("/shutdown")
    except NotRunningError:
        return stopped


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it.")] = False,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show what runs."""
    client = guard_client(data, socket)
    output = Output(as_json=json)
    told = client.get("/status")
    value = {key: told[key] for key in STATUS_KEYS}
    if json or not watch:
        output.result(value, _show_status)
        return
    with Live(status_view(value), console=output.console, auto_refresh=False) as live:
        while True:
            try:
                live.update(status_view(client.get("/status")), refresh=True)
            except NotRunningError:
                live.update("The guard does not answer; users are still served.", refresh=True)
            time.sleep(_REFRESH_SECONDS)


def _show_status(console: Console, value: Result) -> None:
    console.print(status_view(value))
    if warning := certificate_warning(value):
        console.print(warning, markup=False)


def _show_ready(console: Console, value: Result, options: GuardOptions, detach: bool) -> None:
    issuer = value["issuer"]
    is_default = options.data == data_directory(None)
    where = "" if is_default else f" --data {shlex.quote(str(options.data))}"
    # As it was called: after `make setup` the command is in .venv, which is not on the path.
    program = "ostiary" if shutil.which("ostiary") else shlex.quote(sys.argv[0])
    rows = [
        ("sign up", f"{issuer}/sign-up"),
        ("who is signed in", value["demo"]),
        ("issuer for OIDC clients", issuer),
        ("listens on", value["listen"]),
        ("encryption", encryption(value)),
        ("data", str(options.data)),
    ]
    console.print("[bold]Ostiary is ready.[/bold]\n")
    for name, text in rows:
        console.print(f"  {name:<26}{text}", markup=False)
    console.print("\nTry next:", markup=False)
    for line in (
        f"{program} demo bad-release{where}",
        f"{program} client add my-app --redirect-uri http://localhost:3000/callback{where}",
        f"{program} status{where}",
    ):
        console.print(f"  {line}", markup=False)
    stop = f"{program} down{where}" if detach else "Ctrl-C"
    console.print(f"\nStop with {stop}.", markup=False)
