"""What was proposed, by whom and how, as a reviewer reads it in the terminal."""

from rich.table import Table
from rich.text import Text

from ostiary.cli.difference_view import difference_view, risk_text
from ostiary.cli.output import Result


def add_proposal(rows: Table, change: Result) -> None:
    """Add what a reviewer needs to decide; what is loud comes first."""
    if change["forced"]:
        rows.add_row("", Text(_forced(change), style="bold red"))
    rows.add_row("snapshot", f"{change['from_snapshot']} → {change['snapshot']}")
    by = f" by {change['proposed_by']}" if change["proposed_by"] else ""
    rows.add_row("proposed", Text(f"{change['proposed_at'][:19].replace('T', ' ')} UTC{by}"))
    if change["approved_by"]:
        rows.add_row("approved by", Text(change["approved_by"]))
    if change["reason"] and not change["forced"]:
        rows.add_row("reason", Text(change["reason"]))
    for text in _declared(change):
        rows.add_row("declared", Text(text, style="bold yellow"))
    if change["kinds"]:
        rows.add_row("touches", ", ".join(change["kinds"]))
    difference = change["difference"]
    if difference:
        rows.add_row("risk", risk_text(difference["risk"]))
        rows.add_row("what changes", difference_view(difference))


def marks_of(change: Result) -> Text:
    """Return in a word or two what makes a change unlike any other, for a list."""
    text = Text()
    for word in ("forced", "security"):
        if change[word]:
            text.append(f" {word.upper()}", style="bold red")
    for word in ("tightens", "fixes", "restores"):
        if change[word]:
            text.append(f" {word}")
    return text


def _forced(change: Result) -> str:
    skipped = "approval and evidence" if change["approval"]["skipped"] else "evidence"
    by = change["proposed_by"] or "somebody"
    return f"FORCED by {by}, without {skipped}: {change['reason']}"


def _declared(change: Result) -> list[str]:
    """Return what makes a change unlike any other, as sentences."""
    said = []
    if change["security"]:
        said.append("security fix: rehearsed, then for everybody; only its availability is judged")
    if change["tightens"]:
        said.append(f"refusals that are meant: {', '.join(change['tightens'])}")
    if change["fixes"]:
        said.append(f"mends {change['fixes']}: what stopped that one is replayed in rehearsal")
    if change["restores"]:
        said.append(f"takes back {change['restores']}")
    if change["from_stage"] != "check":
        said.append(f"starts at {change['from_stage']}: what comes before it is skipped")
    return said
