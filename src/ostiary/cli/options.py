"""Options that every command takes."""

import os
from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data directory (default: $OSTIARY_DATA, else ./ostiary-data).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def data_directory(given: Path | None) -> Path:
    """Return the data directory to use, as an absolute path."""
    chosen = given or Path(os.environ.get("OSTIARY_DATA") or "ostiary-data")
    return chosen.expanduser().absolute()
