"""`ostiary change …`: proposing a change and following it to its end."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ostiary.changes.model import Stage, Verdict, exit_code_of
from ostiary.cli.change_view import show_change
from ostiary.cli.following import follow, path_of
from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.output import Output, Result
from ostiary.cli.settings_file import note_variables
from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import ExitCode, UsageError

app = typer.Typer(help="Changes: proposed, rehearsed, canaried, watched.", no_args_is_help=True)

PROPOSE_KEYS = (
    "change",
    "snapshot",
    "stage",
    "verdict",
    "reasons",
    "users_affected",
    "failed_attempts_hidden",
    "seconds",
)
ChangeArgument = Annotated[str, typer.Argument(metavar="CHANGE", help="The change's id.")]


@app.command("propose")
def propose(
    release: Annotated[
        list[str] | None,
        typer.Option("--release", metavar="[SERVICE=]PATH", help="A release: directory or wheel."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file of the new snapshot.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow the change to its end; exit with its verdict.")
    ] = False,
    from_stage: Annotated[
        str | None, typer.Option("--from", metavar="STAGE", help="rehearse, canary or bake.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Skip evidence; needs --reason, and is recorded.")
    ] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it is forced.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Propose a change: it is checked, rehearsed, canaried, and rolled back if it does harm."""
    _require_sense(release, config, reason if force else "not forced")
    body: dict[str, Any] = {
        "releases": dict(_service_and_path(item) for item in release or []),
        "config": None if config is None else str(config.expanduser().absolute()),
        "from_stage": from_stage,
        "force": force,
        "reason": reason,
    }
    output = Output(as_json=json)
    note_variables(output)
    client = GuardClient(data_directory(data))
    change = client.post("/changes", body)
    output.note(_announcement(change))
    if not wait:
        output.result(_selected(change), lambda console, _: _show_next(console, change))
        return int(ExitCode.DONE)
    settled = follow(client, change["change"], output)
    output.result(_selected(settled), lambda console, _: show_change(console, settled))
    return int(exit_code_of(Verdict(settled["verdict"]), Stage(settled["stage"])))


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List all changes, the newest first."""
    changes = GuardClient(data_directory(data)).get("/changes")
    Output(as_json=json).result(changes, _show_list)


@app.command("show")
def show(change: ChangeArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Show one change: what it is, how far it came, and why it ended."""
    value = GuardClient(data_directory(data)).get(path_of(change))
    Output(as_json=json).result(value, show_change)


@app.command("rollback")
def rollback(
    change: ChangeArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")] = "",
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Roll a running change back now."""
    client = GuardClient(data_directory(data))
    output = Output(as_json=json)
    client.post(path_of(change, "rollback"), {"reason": reason})
    settled = follow(client, change, output)
    output.result(_selected(settled), lambda console, _: show_change(console, settled))
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


def _selected(change: Result) -> Result:
    return {key: change[key] for key in PROPOSE_KEYS}


def _require_sense(release: list[str] | None, config: Path | None, reason: str | None) -> None:
    if not release and config is None:
        raise UsageError(
            "nothing_proposed",
            "Nothing is proposed.",
            hint="Name a release with --release PATH, or settings with --config FILE.",
        )
    if not (reason or "").strip():
        raise UsageError("reason_missing", "--force needs --reason TEXT.")


def _service_and_path(item: str) -> tuple[str, str]:
    """Split `SERVICE=PATH`; a path alone is meant for identity."""
    service, separator, path = item.partition("=")
    if not separator or "/" in service:
        service, path = "identity", item
    return service, str(Path(path).expanduser().absolute())


def _announcement(change: Result) -> str:
    return (
        f"change {change['change']}: {change['from_snapshot']} → {change['snapshot']}, "
        f"expected to take {_duration(change['expected_seconds'])} if it is healthy"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - below a minute and a half, seconds read better
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _show_next(console: Console, change: Result) -> None:
    console.print(f"Proposed. Follow it with: ostiary change show {change['change']}", markup=False)


def _show_list(console: Console, value: Result) -> None:
    if not value["changes"]:
        console.print("No change has been proposed yet.")
        return
    table = Table("change", "proposed", "snapshot", "stage", "verdict", box=None)
    for change in value["changes"]:
        table.add_row(
            change["change"],
            change["proposed_at"][:19].replace("T", " "),
            change["snapshot"],
            change["stage"],
            change["verdict"] or "running",
        )
    console.print(table)
