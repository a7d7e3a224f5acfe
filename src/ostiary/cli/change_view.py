"""How a change looks in the terminal: while it runs, and when it has ended."""

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ostiary.cli.output import Result

_STAGES = ("check", "rehearse", "canary", "bake", "good")
_BAR_WIDTH = 40
_VERDICTS = {
    "promoted": ("promoted", "bold green"),
    "refused": ("refused: it never reached a user", "bold red"),
    "rolled_back": ("rolled back", "bold red"),
    "held": ("held: users are on the last good version", "bold yellow"),
}


def show_progress(change: Result) -> Group:
    """Return the live view: stage, share, evidence, and what users were spared."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", min_width=16)
    rows.add_column()
    rows.add_row("stage", _stages(change))
    if change["share"] is not None:
        rows.add_row("canary share", _share(change["share"]))
    live = change.get("live") or {}
    if live:
        rows.add_row("evidence of harm", _evidence(live))
        rows.add_row("overturned", _overturned(live))
        rows.add_row("hidden from users", str(change["failed_attempts_hidden"] or 0))
        for text in live["leading"]:
            rows.add_row("", Text(text))
    return Group(Text(f"change {change['change']}", style="bold"), rows)


def show_change(console: Console, change: Result) -> None:
    """Print a change as it stands: verdict, reasons in words, and what it meant to users."""
    verdict = change["verdict"]
    words, style = _VERDICTS.get(verdict or "", (f"in stage {change['stage']}", "bold"))
    title = Text(f"change {change['change']} ")
    title.append(words, style=style)
    console.print(title)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", min_width=16)
    rows.add_column(overflow="fold")
    rows.add_row("snapshot", f"{change['from_snapshot']} → {change['snapshot']}")
    if change.get("kinds"):
        rows.add_row("touches", ", ".join(change["kinds"]))
    rows.add_row("stage", str(change["stage"]))
    for position, reason in enumerate(change["reasons"] or []):
        rows.add_row("why" if position == 0 else "", Text(reason["text"]))
    if change["users_affected"] is not None:
        rows.add_row("users affected", str(change["users_affected"]))
    if change["failed_attempts_hidden"] is not None:
        hidden = change["failed_attempts_hidden"]
        rows.add_row("hidden", f"{hidden} failed attempts that the last good version answered")
    if change["seconds"] is not None:
        rows.add_row("took", f"{change['seconds']:.1f} s")
    console.print(rows)


def _stages(change: Result) -> Text:
    """Return the row of stages with the present one marked."""
    text = Text()
    for position, stage in enumerate(_STAGES):
        if position:
            text.append(" → ", style="dim")
        text.append(stage, style="bold reverse" if stage == change["stage"] else "dim")
    return text


def _share(share: float) -> Text:
    if share == 0:
        return Text("0 %, journeys only")
    return Text(f"{share:.0%}")


def _evidence(live: Result) -> Table:
    """Return a bar that is full when the change is rolled back."""
    threshold = live["threshold"]
    reached = max(0.0, min(live["log_e"], threshold))
    bar = ProgressBar(total=threshold, completed=reached, width=_BAR_WIDTH, complete_style="red")
    row = Table.grid(padding=(0, 1))
    row.add_row(bar, f"{live['log_e']:.1f} of {threshold:.1f} nats")
    return row


def _overturned(live: Result) -> Text:
    return Text(
        f"{live['canary_overturned']} of {live['canary_requests']} canary requests, "
        f"{live['control_overturned']} of {live['control_requests']} control requests"
    )
