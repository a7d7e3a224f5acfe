"""The entry point `ostiary`: commands, expected problems, and what happens on a bug."""

import gc
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import typer
from typer.exceptions import TyperException

from ostiary import __version__
from ostiary.cli.options import data_directory
from ostiary.cli.output import Output
from ostiary.kernel.errors import ExitCode, OstiaryError, UsageError

_INTERRUPTED, _TERMINATED = 130, 143

COMMANDS = {
    "up": "lifecycle:up",
    "down": "lifecycle:down",
    "status": "lifecycle:status",
    "check": "check:check",
    "settings": "settings:app",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "user": "users:app",
    "client": "clients:app",
    "keys": "keys:app",
    "secrets": "secrets:app",
    "operator": "operator:app",
    "audit": "audit:audit",
    "change": "changes:app",
    "journeys": "journeys:app",
    "verdict": "verdict:app",
    "snapshot": "snapshots:app",
    "demo": "demo:app",
    "drill": "drills:app",
    "bench": "bench:app",
    "guard": "guard:app",
}
"""Each command, with the module of `ostiary.cli` and what it is called there."""

_HIDDEN = {"guard"}


def command_line(words: Sequence[str]) -> typer.Typer:
    """Return the command line, with the one command that `words` begin with, else with all.

    Importing what no command needs would take longer than most commands do.
    """
    app = typer.Typer(
        name="ostiary",
        help="A login service that survives its own changes.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in _asked_for(words):
        _add(app, name)
    return app


def _asked_for(words: Sequence[str]) -> Sequence[str]:
    first = words[0] if words else ""
    if first == "--version":
        return ()
    return (first,) if first in COMMANDS else tuple(COMMANDS)


def _add(app: typer.Typer, name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    part = getattr(import_module(f"ostiary.cli.{module}"), attribute)
    if isinstance(part, typer.Typer):
        app.add_typer(part, name=name, hidden=name in _HIDDEN)
    else:
        app.command(name)(part)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"ostiary {__version__}")
        raise typer.Exit


def _root(
    _version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Read what every command has in common."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    output = Output(as_json=_wants_json(sys.argv))
    # An orderly end instead of the default one: a drill stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        code = _imported_quickly(sys.argv[1:])(standalone_mode=False)
    except OstiaryError as error:
        output.problem(error)
        sys.exit(int(error.exit_code))
    except typer.Abort:
        sys.exit(_INTERRUPTED)
    except TyperException as error:
        # Without a message the help has been printed already.
        if message := error.format_message():
            output.problem(UsageError("usage", message, hint="See `ostiary --help`."))
        sys.exit(int(ExitCode.USAGE))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last resort that the contract asks for
        sys.exit(_report_bug(output, error))
    sys.exit(int(code) if isinstance(code, int) else 0)


def _imported_quickly(words: Sequence[str]) -> typer.Typer:
    """Return the command line without what makes importing slow, a fifth of a short command.

    Nothing that is imported is garbage, so collecting it finds nothing. Pydantic would look through
    all installed packages for plugins of its own; Ostiary has none.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()
    try:
        return command_line(words)
    finally:
        gc.enable()


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether problems have to be JSON as well; parsing may be what has failed."""
    return (
        "--json" in arguments
        or "--format=json" in arguments
        or ("--format", "json") in itertools.pairwise(arguments)
    )


def _report_bug(output: Output, error: Exception) -> int:
    """Keep a trace of a bug, say where it is and where to report it."""
    # Imported where it is needed: no command waits for what only a bug calls for.
    from ostiary.runtime.data_directory import write_trace  # noqa: PLC0415

    trace = write_trace(data_directory(_data_argument()), error)
    kept = f"A trace is in {trace}." if trace else "No trace could be written."
    output.problem(
        OstiaryError(
            "internal_error",
            f"This is a bug in Ostiary ({type(error).__name__}). {kept}",
            hint="Please report it with that file at the project's issue tracker.",
        )
    )
    return int(ExitCode.INTERNAL)


def _data_argument() -> Path | None:
    """Return what `--data` was given as, read from the raw arguments: parsing may have failed."""
    for position, argument in enumerate(sys.argv):
        if argument == "--data" and position + 1 < len(sys.argv):
            return Path(sys.argv[position + 1])
        if argument.startswith("--data="):
            return Path(argument.removeprefix("--data="))
    return None
