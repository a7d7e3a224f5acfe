"""Options that every command takes."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ostiary.guard.client import SECONDS_MAX, GuardClient
from ostiary.guard.operators.tokens import TOKEN_FILE_VARIABLE, read_token
from ostiary.kernel.errors import UsageError

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data directory (default: $OSTIARY_DATA, else ./ostiary-data).",
        show_default=False,
    ),
]
SocketOption = Annotated[
    Path | None,
    typer.Option(
        "--socket",
        help="The guard's socket, for those who cannot open its data directory "
        "(default: $OSTIARY_SOCKET).",
        show_default=False,
        # Connecting takes the right to write; whether it may is told where it is tried.
        readable=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def data_directory(given: Path | None) -> Path:
    """Return the data directory to use, as an absolute path."""
    chosen = given or Path(os.environ.get("OSTIARY_DATA") or "ostiary-data")
    return chosen.expanduser().absolute()


def guard_client(
    data: Path | None, socket: Path | None, *, seconds_max: float = SECONDS_MAX
) -> GuardClient:
    """Return how to call the guard: by the socket, else that of the data directory.

    An option goes before a variable. An answer may take `seconds_max`. Raises `UsageError` where
    $OSTIARY_TOKEN_FILE names a file that holds no token, or that others can read.
    """
    named = os.environ.get("OSTIARY_SOCKET")
    if socket is None and data is None and named:
        socket = Path(named)
    place = None if socket is None else socket.expanduser().absolute()
    return GuardClient(data_directory(data), socket=place, token=_token(), seconds_max=seconds_max)


def required_token() -> str:
    """Return the caller's token, for what knows nobody by a user id; raises `UsageError`."""
    named = os.environ.get(TOKEN_FILE_VARIABLE)
    if not named:
        raise UsageError(
            "token_missing",
            "This goes over the network, where nobody is known by a user id.",
            hint=f"Name the file of your token in ${TOKEN_FILE_VARIABLE}; `ostiary operator token "
            "NAME` draws one.",
        )
    return read_token(Path(named).expanduser(), by_group=True)


def _token() -> str | None:
    named = os.environ.get(TOKEN_FILE_VARIABLE)
    return read_token(Path(named).expanduser()) if named else None
