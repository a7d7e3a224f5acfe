"""The state of the whole system as people read it."""

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ostiary.cli.output import Result
from ostiary.cli.revocation_view import in_words

STATUS_KEYS = (
    "running",
    "last_good",
    "serving",
    "change",
    "certificate",
    "replicas",
    "replicas_missing",
    "balance",
    "drift",
    "revocations",
    "incidents_open",
)
"""What the command tells, of all that the guard reports."""

_CURES = {
    "settings": "The last good snapshot is served; propose the file with: "
    "ostiary change propose --config FILE",
    "release": "Replicas are not started from it; propose the release again by its path.",
    "snapshot": "Restore the file from a backup.",
}


def status_view(value: Result) -> Group:
    """Return a table of the replicas, and lines about what is not as it should be."""
    lines = [
        *missing_replicas(value),
        *members_down(value),
        *lopsided_edge(value),
        *owed_revocations(value),
        *drift_lines(value),
    ]
    return Group(_table(value), *map(Text, lines))


def drift_lines(status: Result) -> list[str]:
    """Return a line for everything on disk that is not what is served, with what to do."""
    return [
        f"{drift['where']}: {drift['text']} {_CURES.get(drift['what'], '')}".rstrip()
        for drift in status["drift"]
    ]


def missing_replicas(status: Result) -> list[str]:
    """Return a line about the empty seats of each service; none without any.

    It says how the latest member ended, where there was one.
    """
    by_service: dict[str, list[dict[str, Any]]] = {}
    for seat in status["replicas_missing"]:
        by_service.setdefault(seat.get("service", ""), []).append(seat)
    return [_missing(service, seats) for service, seats in sorted(by_service.items())]


def _missing(service: str, seats: list[dict[str, Any]]) -> str:
    exits = [seat["last_exit"] for seat in seats if seat["last_exit"] is not None]
    whose = f" of {service}" if service else ""
    line = f"missing{whose}: {len(seats)}; started again as soon as possible"
    if not exits:
        return line
    latest = max(exits, key=lambda each: str(each["at"]))
    return f"{line}; the latest ended at {latest['at']}: {latest['how']}"


def members_down(status: Result) -> list[str]:
    """Return a line for each member that somebody else runs and that does not answer well."""
    return [
        f"down: {each['name']} at {each['host']} port {each['port']} {each['down']}; whoever runs "
        "it has to bring it back"
        for each in status["replicas"]
        if each.get("down") is not None
    ]


def owed_revocations(status: Result) -> list[str]:
    """Return a line for each snapshot of which what it minted is still to be taken back."""
    return [f"revoke {each['snapshot']}: {in_words(each)}" for each in status["revocations"]]


def lopsided_edge(status: Result) -> list[str]:
    """Return a line about an edge that does not spread requests as intended; none if it does."""
    lopsided = status["balance"]["lopsided"]
    if lopsided is None:
        return []
    who = f"seat {lopsided['seat']} ({lopsided['replica']})"
    shares = f"{lopsided['share']:.0%} of the requests, not {lopsided['intended_share']:.0%}"
    return [f"lopsided since {lopsided['since']}: {who} gets {shares}; the edge was written again"]


def _table(value: Result) -> Table:
    change = value["change"]
    if change is None:
        title = f"last good {value['last_good']}, no change under way"
    else:
        title = f"last good {value['last_good']}, change {change['change']} in {change['stage']}"
    columns = ("replica", "snapshot", "pid", "share", "capacity", "load")
    table = Table(*columns, title=title, title_justify="left", box=None)
    for replica in value["replicas"]:
        share = replica["share"]
        table.add_row(
            replica["name"],
            replica["snapshot"],
            f"port {replica['port']}" if replica["pid"] is None else str(replica["pid"]),
            "" if share is None else f"{share:.1%}",
            "" if replica["capacity"] is None else f"{replica['capacity']:g}/s",
            "" if replica["load"] is None else f"{replica['load']:.0%}",
        )
    return table
