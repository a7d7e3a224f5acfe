"""`ostiary secrets …`: the key under which secrets in the account store are sealed."""

import typer
from rich.console import Console

from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.output import Output, Result
from ostiary.guard.options import GuardOptions
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime import maintenance_process, store_key
from ostiary.runtime.data_directory import DataDirectory

app = typer.Typer(help="The key that secrets at rest are sealed under.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Group the commands about the key that secrets at rest are sealed under."""


@app.command("rotate-store-key")
def rotate_store_key(data: DataOption = None, json: JsonOption = False) -> None:
    """Seal everything under a new store key, while the system runs or not."""
    directory = data_directory(data)
    if not DataDirectory(directory).check():
        raise UsageError(
            "data_directory_missing",
            f"{directory} is no data directory of Ostiary.",
            hint="Name one with --data; `ostiary up` makes one.",
        )
    database_url = GuardOptions.recorded(directory).database_url
    result = store_key.rotate(
        directory,
        SystemRandom(),
        lambda file: maintenance_process.seal(database_url, str(file)),
    )
    Output(as_json=json).result(result, _show)


def _show(console: Console, value: Result) -> None:
    console.print(
        f"{value['file']} holds the new store key {value['store_key']}; {value['sealed']} secrets "
        "were sealed anew.",
        markup=False,
    )
    console.print("Backups made before need the key that they hold, or the one kept with them.")
