"""Following a change in the terminal until it has ended."""

import time
from contextlib import suppress
from urllib.parse import quote

from rich.live import Live

from ostiary.cli.change_view import show_progress
from ostiary.cli.output import Output, Result
from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import NotRunningError

_POLL_SECONDS = 0.25
_GUARD_AWAY_SECONDS_MAX = 60.0
_REVOKED_SECONDS_MAX = 30.0


def path_of(change: str, *parts: str) -> str:
    """Return the guard's path for a change, whatever was typed as its id."""
    return "/".join(("/changes", quote(change, safe=""), *parts))


def until_revoked(client: GuardClient, change: Result) -> Result:
    """Wait a while for what a settled change has minted to be taken back; return the change then.

    It may be owed for longer, while the store is away.
    """
    left = _REVOKED_SECONDS_MAX
    while (revocation := change["revocation"]) and revocation["done_at"] is None and left > 0:
        time.sleep(_POLL_SECONDS)
        left -= _POLL_SECONDS
        with suppress(NotRunningError):
            change = client.get(path_of(change["change"]))
    return change


def follow(client: GuardClient, change: str, output: Output) -> Result:
    """Show a change's progress until it is settled or waits for approval, and return it.

    A guard that is away for a while (it may be restarting) is waited for.
    Raises `NotRunningError` when it stays away.
    """
    value = client.get(path_of(change))
    away = 0.0
    with Live(
        show_progress(value), console=output.progress, auto_refresh=False, transient=output.as_json
    ) as live:
        while value["verdict"] is None and not value["approval"]["waiting"]:
            time.sleep(_POLL_SECONDS)
            try:
                value = client.get(path_of(change))
                away = 0.0
            except NotRunningError:
                away += _POLL_SECONDS
                if away > _GUARD_AWAY_SECONDS_MAX:
                    raise
                live.update("The guard does not answer; waiting for it.", refresh=True)
                continue
            live.update(show_progress(value), refresh=True)
    if not output.as_json and not output.progress.is_terminal:
        # In a file or a pipe the last picture ends without a line end of its own.
        output.progress.line()
    return value
