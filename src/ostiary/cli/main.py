"""The entry point `ostiary`: commands, expected problems, and what happens on a bug."""

import signal
import sys
from pathlib import Path

import typer
from typer.exceptions import TyperException

from ostiary import __version__
from ostiary.cli import (
    audit,
    backup,
    bench,
    changes,
    clients,
    demo,
    drills,
    guard,
    keys,
    lifecycle,
    operator,
    secrets,
    users,
)
from ostiary.cli.options import data_directory
from ostiary.cli.output import Output
from ostiary.kernel.errors import ExitCode, OstiaryError, UsageError
from ostiary.runtime.data_directory import write_trace

_INTERRUPTED, _TERMINATED = 130, 143

app = typer.Typer(
    name="ostiary",
    help="A login service that survives its own changes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(lifecycle.up)
app.command("down")(lifecycle.down)
app.command("status")(lifecycle.status)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(users.app, name="user")
app.add_typer(clients.app, name="client")
app.add_typer(keys.app, name="keys")
app.add_typer(secrets.app, name="secrets")
app.command("audit")(audit.audit)
app.add_typer(changes.app, name="change")
app.add_typer(demo.app, name="demo")
app.add_typer(drills.app, name="drill")
app.add_typer(bench.app, name="bench")
app.add_typer(operator.app, name="operator")
app.add_typer(guard.app, name="guard", hidden=True)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"ostiary {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Read what every command has in common."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    as_json = "--json" in sys.argv
    output = Output(as_json=as_json)
    # An orderly end instead of the default one: a drill stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        code = app(standalone_mode=False)
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


def _report_bug(output: Output, error: Exception) -> int:
    """Keep a trace of a bug, say where it is and where to report it."""
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
