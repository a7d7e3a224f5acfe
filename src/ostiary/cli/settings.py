"""`ostiary settings …`: what a settings file may hold."""

import json as json_module

import typer

from ostiary.changes.configuration import json_schema
from ostiary.cli.options import DataOption, JsonOption

app = typer.Typer(help="What a settings file may hold.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `schema` a word of its own, although it is the only command here."""


@app.command("schema")
def schema(data: DataOption = None, json: JsonOption = False) -> None:
    """Print the JSON Schema of every key: type, default, bounds, unit and meaning."""
    del data  # every command takes it
    indent = None if json else 2
    typer.echo(json_module.dumps(json_schema(), ensure_ascii=False, indent=indent))
