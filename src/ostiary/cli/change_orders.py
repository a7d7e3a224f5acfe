"""`ostiary change approve`, `comment`, `pause` and the like: what one change is told."""

from typing import Annotated

import typer

from ostiary.cli.change_view import show_change
from ostiary.cli.following import follow, path_of, until_revoked
from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result
from ostiary.cli.revocation_view import exit_code_of
from ostiary.guard.client import GuardClient

PROPOSE_KEYS = (
    "change",
    "snapshot",
    "stage",
    "verdict",
    "reasons",
    "users_affected",
    "failed_attempts_hidden",
    "seconds",
    "withdrawal",
    "revocation",
)
ChangeArgument = Annotated[str, typer.Argument(metavar="CHANGE", help="The change's id.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is recorded.")]


def approve(
    change: ChangeArgument,
    comment: Annotated[
        str | None, typer.Option("--comment", help="What you say to it; it is recorded.")
    ] = None,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Agree to a change that somebody else has proposed, so that it goes on."""
    client = guard_client(data, socket)
    # The approval names what was looked at; the guard compares it with what the change goes to.
    snapshot = client.get(path_of(change))["snapshot"]
    value = client.post(path_of(change, "approve"), {"snapshot": snapshot, "comment": comment})
    Output(as_json=json).result(value, show_change)


def comment(
    change: ChangeArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="One line of plain text.")],
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Put a comment on the record of a change, also of one that has ended."""
    value = guard_client(data, socket).post(path_of(change, "comment"), {"text": text})
    Output(as_json=json).result(value, show_change)


def rollback(
    change: ChangeArgument,
    reason: ReasonOption = "",
    revoke: Annotated[
        bool,
        typer.Option(
            "--revoke",
            help="Also take back what its snapshot has minted: keys, sessions and refresh tokens. "
            "Whoever has any must sign in again. For admins.",
        ),
    ] = False,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> int:
    """Roll a running change back now, or take back the one that made the last good snapshot.

    One that waits for approval is withdrawn.
    """
    client = guard_client(data, socket)
    output = Output(as_json=json)
    body = {"reason": reason} | ({"revoke": True} if revoke else {})
    ordered = client.post(path_of(change, "rollback"), body)
    settled = until_revoked(client, follow(client, ordered["change"], output))
    output.result(selected(settled), lambda console, _: show_change(console, settled))
    return int(exit_code_of(settled["revocation"]))


def pause(
    change: ChangeArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Keep a running change at its share until it is resumed."""
    _command(change, "pause", guard_client(data, socket), Output(as_json=json))


def resume(
    change: ChangeArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Let a paused change go on."""
    _command(change, "resume", guard_client(data, socket), Output(as_json=json))


def promote(
    change: ChangeArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """End a change's canary or bake early; the evidence so far is recorded with it."""
    _command(change, "promote", guard_client(data, socket), Output(as_json=json))


def _command(change: str, kind: str, client: GuardClient, output: Output) -> None:
    value = client.post(path_of(change, kind))
    output.result(value, show_change)


def selected(change: Result) -> Result:
    """Return what `propose` and `rollback` print of a change."""
    return {key: change[key] for key in PROPOSE_KEYS}
