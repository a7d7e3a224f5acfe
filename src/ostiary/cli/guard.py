"""Hidden commands: the processes that `ostiary up --detach` starts."""

from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import guard_process
from ostiary.guard.keeper import keep as keep_running
from ostiary.kernel.clock import SystemClock

app = typer.Typer(hidden=True)
RequiredData = Annotated[Path, typer.Option("--data")]


@app.command("keep")
def keep(data: RequiredData) -> int:
    """Run the guard, and again when it dies."""
    return keep_running(["guard", "run", "--data", str(data)], data / "guard.log", SystemClock())


@app.command("run")
def run(data: RequiredData) -> int:
    """Run the guard."""
    return guard_process.run_kept(data)
