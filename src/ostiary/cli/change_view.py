"""How a change looks in the terminal: while it runs, and when it has ended."""

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ostiary.cli.difference_view import difference_view, risk_text
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
    _add_proposal(rows, change)
    rows.add_row("stage", _stages(change) if verdict is None else str(change["stage"]))
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
    if change.get("patch") is not None:
        _print_patch(console, change)


def _print_patch(console: Console, change: Result) -> None:
    console.print()
    console.print(Syntax(change["patch"] or "no line differs", "diff", background_color="default"))
    if change["patch_is_cut"]:
        console.print("… cut here: the patch is longer than what is shown.", style="dim")


def _add_proposal(rows: Table, change: Result) -> None:
    """Add what was proposed, as a reviewer needs it; short results of `propose` lack most of it."""
    rows.add_row("snapshot", _way(change))
    if change.get("proposed_at"):
        rows.add_row("proposed", change["proposed_at"][:19].replace("T", " ") + " UTC")
    if change.get("reason"):
        rows.add_row("reason", Text(change["reason"]))
    for text in declared(change):
        rows.add_row("declared", Text(text, style="bold yellow"))
    difference = change.get("difference")
    if difference:
        rows.add_row("risk", risk_text(difference["risk"]))
        rows.add_row("what changes", difference_view(difference))


def _way(change: Result) -> str:
    if "from_snapshot" in change:
        return f"{change['from_snapshot']} → {change['snapshot']}"
    return str(change["snapshot"])


def declared(change: Result) -> list[str]:
    """Return what makes a change unlike any other, loudest first, as sentences."""
    said = []
    if change.get("forced"):
        said.append("forced: neither approval nor evidence can stop it, only its availability")
    if change.get("security"):
        said.append("security fix: rehearsed, then for everybody; only its availability is judged")
    if change.get("tightens"):
        said.append(f"refusals that are meant: {', '.join(change['tightens'])}")
    if change.get("fixes"):
        said.append(f"mends {change['fixes']}: what stopped that one is replayed in rehearsal")
    if change.get("restores"):
        said.append(f"takes back {change['restores']}")
    if change.get("from_stage", "check") not in ("check", None):
        said.append(f"starts at {change['from_stage']}: what comes before it is skipped")
    return said


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
