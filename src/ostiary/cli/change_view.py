"""How a change looks in the terminal: while it runs, and when it has ended."""

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from ostiary.cli.output import Result
from ostiary.cli.proposal_view import add_proposal, marks_of
from ostiary.cli.revocation_view import in_words

_STAGES = ("check", "approve", "rehearse", "canary", "bake", "good")
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
    if live and change["stage"] != "check" and not change["approval"]["waiting"]:
        rows.add_row("evidence of harm", _evidence(live))
        rows.add_row("overturned", _overturned(live))
        rows.add_row("hidden from users", str(change["failed_attempts_hidden"] or 0))
        for text in live["leading"]:
            rows.add_row("", Text(text))
    return Group(Text(f"change {change['change']}", style="bold"), rows)


def _reasons(reasons: list[Result]) -> list[tuple[str, str]]:
    """Return label and text of each reason, numbered where there are several.

    What a replica logged about the request at which a journey failed follows its reason.
    """
    numbered = len(reasons) > 1
    rows: list[tuple[str, str]] = []
    for number, one in enumerate(reasons, start=1):
        text = f"{number}. {one['text']}" if numbered else one["text"]
        rows.append(("why" if number == 1 else "", text))
        log = str((one.get("numbers") or {}).get("log") or "")
        rows += [("log" if not place else "", line) for place, line in enumerate(log.splitlines())]
    return rows


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
    add_proposal(rows, change)
    rows.add_row("stage", _stages(change) if verdict is None else str(change["stage"]))
    for label, text in _reasons(change["reasons"] or []):
        rows.add_row(label, Text(text))
    if change["users_affected"] is not None:
        rows.add_row("users affected", str(change["users_affected"]))
    if change["failed_attempts_hidden"] is not None:
        hidden = change["failed_attempts_hidden"]
        rows.add_row("hidden", f"{hidden} failed attempts that the last good version answered")
    for label, text in (*_withdrawal(change), *_revocation(change)):
        rows.add_row(label, Text(text))
    if change["seconds"] is not None:
        rows.add_row("took", f"{change['seconds']:.1f} s")
    for position, comment in enumerate(change["comments"]):
        text = f"{_minute(comment['at'])} {comment['operator']}: {comment['text']}"
        rows.add_row("comments" if position == 0 else "", Text(text))
    console.print(rows)
    if change.get("patch") is not None:
        _print_patch(console, change)
    if change["approval"]["waiting"]:
        show_how_to_approve(console, change)


def _withdrawal(change: Result) -> list[tuple[str, str]]:
    """Return when it was decided to take the canary away, and how long each part of that took."""
    told = change["withdrawal"]
    if told is None:
        return []
    at = f"{_second(change['decided_at'])}, " if change["decided_at"] else ""
    share = "no share of users" if told["share"] is None else f"{_share(told['share'])} of requests"
    edge = _after("edge confirmed", told["edge_seconds"], "edge not confirmed")
    journeys = _after("journeys pass", told["journeys_seconds"], "journeys have not passed")
    return [
        ("decided", f"{at}{told['after_seconds']:.1f} s after the proposal, at {share}"),
        ("taken away", f"{edge}; {journeys}"),
    ]


def _after(what: str, seconds: float | None, otherwise: str) -> str:
    if seconds is None:
        return otherwise
    return (
        f"{what} after {seconds * 1000:.0f} ms" if seconds < 1 else f"{what} after {seconds:.1f} s"
    )


def _revocation(change: Result) -> list[tuple[str, str]]:
    """Return what was taken back of what was minted, and why."""
    revocation = change["revocation"]
    if revocation is None:
        return []
    return [("revoked", in_words(revocation)), ("", f"because: {revocation['because']}")]


def _print_patch(console: Console, change: Result) -> None:
    console.print()
    console.print(Syntax(change["patch"] or "no line differs", "diff", background_color="default"))
    if change["patch_is_cut"]:
        console.print("… cut here: the patch is longer than what is shown.", style="dim")


def show_how_to_approve(console: Console, change: Result) -> None:
    """Say who may agree to a change that waits, how, and for how long it will wait."""
    approval = change["approval"]
    left = approval["seconds_left"]
    until = "" if left is None else f" within {duration(left)}"
    console.print(
        f"Another operator has to approve it{until}: {', '.join(approval['approvers'])}.\n"
        f"  ostiary change approve {change['change']}",
        markup=False,
    )


def state_words(change: Result) -> Text:
    """Return the verdict of a change in a list, or what it does; what is loud stands out."""
    waiting = "waits for approval" if change["approval"]["waiting"] else "running"
    text = Text(change["verdict"] or waiting)
    text.append_text(marks_of(change))
    return text


def duration(seconds: float) -> str:
    """Return a duration as people would say it."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length * 1.5:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _second(at: str) -> str:
    return at[:19].replace("T", " ")


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")


def _stages(change: Result) -> Text:
    """Return the row of stages with the present one marked."""
    text = Text()
    approval = change["approval"]
    asked = approval["required"] and not approval["skipped"]
    stages = [stage for stage in _STAGES if stage != "approve" or asked]
    for position, stage in enumerate(stages):
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
