"""`ostiary backup` and `ostiary restore`: everything a system keeps in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ostiary.cli import guard_process
from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.output import Output, Result
from ostiary.guard.options import GuardOptions
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import NotRunningError, UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.backups.backup import BackupSource, take_backup
from ostiary.runtime.backups.restoration import RestoreTarget
from ostiary.runtime.backups.restore import prepare_restoration
from ostiary.runtime.data_directory import DataDirectory

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup's file.")]


def backup(
    file: FileArgument,
    without_secrets: Annotated[
        bool,
        typer.Option(
            "--without-secrets",
            help="Leave out the store key and the tokens; keep the store key elsewhere then.",
        ),
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write everything into one file, while the system runs."""
    output = Output(as_json=json)
    directory = data_directory(data)
    options = GuardOptions.recorded(directory)
    source = BackupSource(
        data=DataDirectory(directory),
        database_url=options.database_url,
        options={"port": options.port},
        settings=options.config,
        with_secrets=not without_secrets,
    )
    target = file.expanduser().absolute()
    result = take_backup(source, target, clock=SystemClock(), note=output.note)
    if not result["store_key"]:
        output.note(
            "note: the store key is not in this file. Without it signing keys and cookies "
            f"in the backup stay closed: keep {source.data.store_key_file} apart."
        )
    output.result(result, _show_backup)


_VALID_AGAIN = (
    "What was revoked after the backup is valid again: signing keys, sessions and grants. Where "
    "that matters, withdraw the key with `ostiary keys rotate --revoke` once it runs."
)

ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Put the data directory that stands there aside; one that runs is stopped and "
        "started again.",
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar=guard_process.DATABASE_VARIABLE,
        show_envvar=True,
        help="An empty database to restore into (default: SQLite in the data directory).",
    ),
]


def restore(
    file: FileArgument,
    replace: ReplaceOption = False,
    database: DatabaseOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make a data directory from a backup."""
    output = Output(as_json=json)
    target = RestoreTarget(data_directory(data), database)
    _require_place(target.data, replace=replace)
    clock, rng = SystemClock(), SystemRandom()
    restoration = prepare_restoration(
        file.expanduser().absolute(), target, clock=clock, rng=rng, note=output.note
    )
    with restoration:
        runs = _stop(target.data, output)
        kept = restoration.put_in_place(rng)
    if runs:
        output.note("Starting it with the restored data …")
        guard_process.start_detached(GuardOptions.combine(target.data))
    manifest = restoration.manifest
    result = {
        "data": str(target.data),
        "created_at": manifest.created_at,
        "database": "postgresql" if _is_postgresql(database) else "sqlite",
        "tables": dict(restoration.rows),
        "rows": sum(restoration.rows.values()),
        "secrets": manifest.secrets,
        "store_key": manifest.store_key,
        "replaced": None if kept is None else str(kept),
        "running": runs,
        "valid_again": _VALID_AGAIN,
    }
    output.result(result, _show_restoration)


def _require_place(data: Path, *, replace: bool) -> None:
    """Raise `UsageError` where something stands that was not asked to be replaced."""
    if data.is_dir() and any(data.iterdir()) and not replace:
        raise UsageError(
            "data_directory_not_empty",
            f"{data} is not empty.",
            hint="Name a new directory with --data, or add --replace to put this one aside.",
        )
    if data.exists() and not data.is_dir():
        raise UsageError("data_directory_foreign", f"{data} is no directory.")


def _stop(data: Path, output: Output) -> bool:
    """Stop the system that runs there, also one without its guard; return whether one did."""
    if not (data / "layout.json").exists():
        return False
    output.note("Stopping what runs there; nobody can sign in for some seconds …")
    try:
        guard_process.stop(data)
    except NotRunningError:
        return False
    return True


def _is_postgresql(database: str | None) -> bool:
    return database is not None and database.startswith("postgres")


def _show_backup(console: Console, value: Result) -> None:
    console.print(
        f"{value['file']}: {value['bytes']:,} bytes, {value['rows']:,} rows of accounts, clients, "
        "sessions and keys.",
        markup=False,
    )
    if value["secrets"]:
        console.print("It holds secrets. Whoever has it can read and sign everything.")


def _show_restoration(console: Console, value: Result) -> None:
    console.print(
        f"{value['data']}: {value['rows']:,} rows, as they were at {value['created_at']}.",
        markup=False,
    )
    if value["replaced"]:
        console.print(f"What stood there is kept in {value['replaced']}.", markup=False)
    console.print(value["valid_again"], markup=False)
    if not value["store_key"]:
        console.print("Put the store key in place before you start it: docs/keys.md.")
    if not value["running"]:
        console.print("Start it with `ostiary up`.")
