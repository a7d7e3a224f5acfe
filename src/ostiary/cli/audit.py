"""`ostiary audit`: who did what to which account, application or key."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from ostiary.cli.options import DataOption, JsonOption, SocketOption, guard_client
from ostiary.cli.output import Output, Result


def audit(
    subject: Annotated[
        str | None,
        typer.Option("--subject", help="E-mail address, or id of a client, key or snapshot."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="RFC 3339 time or Unix seconds."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, up to 1000.")] = 100,
    before: Annotated[
        int | None, typer.Option("--before", help="Only entries before this number.")
    ] = None,
    probes: Annotated[
        bool, typer.Option("--probes", help="Also what the guard's own journeys did.")
    ] = False,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show who did what, the newest first."""
    asked = {
        "subject": subject,
        "since": since,
        "limit": limit,
        "before": before,
        "probe": 1 if probes else None,
    }
    body = {name: value for name, value in asked.items() if value is not None}
    entries = guard_client(data, socket).post("/audit", body)
    Output(as_json=json).result(entries, _show)


def _show(console: Console, value: Result) -> None:
    if not value["entries"]:
        console.print("The audit log has no such entry.")
        return
    rows = [_cells(entry) for entry in value["entries"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        # One entry is one line, however narrow the window, and what people typed is no markup.
        console.print("  ".join(cells).rstrip(), markup=False)


def _cells(entry: Result) -> tuple[str, ...]:
    moment = datetime.fromtimestamp(entry["at"], UTC)
    shown = ("operation", "outcome", "subject", "actor", "client_address")
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}", *(entry[name] for name in shown)
