"""`ostiary demo …`: seeing what the guard does, on the running system."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ostiary.cli.change_orders import PROPOSE_KEYS
from ostiary.cli.change_view import show_change
from ostiary.cli.following import follow
from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.output import Output, Result
from ostiary.drills.demonstration import show_bad_release
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode, RefusedError, UsageError
from ostiary.kernel.ids import SystemRandom

app = typer.Typer(help="See the guard at work on the running system.", no_args_is_help=True)
_STAGES = ("check", "rehearse", "canary", "bake")


@app.callback()
def _group() -> None:
    """See the guard at work on the running system."""


@app.command("bad-release")
def bad_release(
    from_stage: Annotated[
        str,
        typer.Option("--from", metavar="STAGE", help="Where the guard begins: check to bake."),
    ] = "canary",
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Propose a release that breaks sign-in, under traffic, and watch it being held off.

    It starts at the canary, where users' requests really reach the bad release; with
    `--from check` the rehearsal refuses it before that.
    """
    if from_stage not in _STAGES:
        raise UsageError(
            "stage_unknown",
            f"No change can start at stage {from_stage}.",
            hint=f"Write one of {', '.join(_STAGES)}.",
        )
    output = Output(as_json=json)
    directory = data_directory(data)
    client = _client(directory)

    def follow_change(change: str) -> dict[str, Any]:
        return follow(client, change, output)

    seen = show_bad_release(
        directory,
        client,
        from_stage,
        follow_change,
        clock=SystemClock(),
        rng=SystemRandom(),
        tell=output.note,
    )
    result = {key: seen.change[key] for key in PROPOSE_KEYS} | {
        "demonstration": {
            "users": seen.users,
            "users_affected": seen.affected,
            "actions": seen.actions,
        }
    }
    output.result(result, lambda console, value: _show(console, seen.change, value))
    held_off = seen.change["verdict"] in {"refused", "rolled_back"} and seen.affected == 0
    return int(ExitCode.DONE if held_off else ExitCode.REFUSED)


def _client(data: Path) -> GuardClient:
    """Return the guard; raises `RefusedError` where somebody would have to agree to the release."""
    client = GuardClient(data)
    if client.get("/status")["approval_required"]:
        raise RefusedError(
            "approval_required",
            "Changes of this system need the approval of another operator, and the demonstration "
            "shows what comes after it.",
            hint="See it on a system of its own: `ostiary up --data ./try`.",
        )
    return client


def _show(console: Console, change: Result, value: Result) -> None:
    show_change(console, change)
    shown = value["demonstration"]
    console.print(
        f"\n{shown['users']} users made {shown['actions']} requests meanwhile; "
        f"{shown['users_affected']} of them noticed anything."
    )
