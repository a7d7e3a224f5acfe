"""`ostiary journeys …`: a team's own journeys."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.kernel.errors import ExitCode

_SECONDS_MAX = 600.0
app = typer.Typer(help="Journeys of your own: HTTP steps that must work.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Journeys of your own: HTTP steps that must work."""


@app.command("run")
def run(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Journeys to run; all without.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Settings file to take them from (default: the guard's)."),
    ] = None,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> int:
    """Run own journeys at the system that serves, through the edge, and show every step."""
    path = None if config is None else str(config.expanduser().absolute())
    client = guard_client(data, socket, seconds_max=_SECONDS_MAX)
    value = client.post("/journeys/run", {"names": names or [], "config": path})
    Output(as_json=json).result(value, _show)
    return int(ExitCode.DONE if value["passed"] else ExitCode.REFUSED)


def _show(console: Console, value: Result) -> None:
    for journey in value["journeys"]:
        line = Text(f"{journey['journey']} ", style="bold")
        line.append("passed" if journey["passed"] else "failed", style=_style(journey["passed"]))
        console.print(line)
        for step in journey["steps"]:
            _show_step(console, step)


def _show_step(console: Console, step: Result) -> None:
    words = {True: "passed", False: "failed", None: "not reached"}[step["passed"]]
    line = Text("  ")
    line.append(f"{words:<12}", style=_style(step["passed"]))
    line.append(step["step"])
    if step["seconds"] is not None:
        line.append(f"  {step['seconds'] * 1000:.0f} ms", style="dim")
    console.print(line)
    if step["passed"] is False:
        for label, text in (("expected", step["expected"]), ("came", step["came"])):
            console.print(Text(f"{'':14}{label:<9} {text}"))
        if step["request_id"]:
            console.print(Text(f"{'':14}{'request':<9} {step['request_id']}", style="dim"))
    elif step["came"]:
        console.print(Text(f"{'':14}{step['came']}", style="dim"))


def _style(passed: bool | None) -> str:
    return {True: "green", False: "bold red", None: "dim"}[passed]
