"""What was taken back of what a snapshot had minted, as people read it."""

from rich.console import Console
from rich.text import Text

from ostiary.cli.output import Result
from ostiary.kernel.errors import ExitCode


def in_words(revocation: Result) -> str:
    """Return one line about a revocation: what it ended, or why it is owed still."""
    if revocation["done_at"] is None:
        why = f" {revocation['problem']}" if revocation["problem"] else ""
        return f"owed since {revocation['owed_at']}, and tried until it is done.{why}"
    return (
        f"keys: {revocation['keys']}, sessions: {revocation['sessions']}, "
        f"sign-ins of applications: {revocation['families']}, codes: {revocation['codes']}; "
        f"users who must sign in again: {revocation['users']}"
    )


def exit_code_of(revocation: Result | None) -> ExitCode:
    """Return what the shell is told: what is owed still could not be reached."""
    if revocation is None or revocation["done_at"] is not None:
        return ExitCode.DONE
    return ExitCode.NOT_RUNNING


def show_revocation(console: Console, revocation: Result) -> None:
    """Print what became of everything that a snapshot has minted."""
    title = Text("snapshot ").append(str(revocation["snapshot"]), style="bold")
    done = revocation["done_at"] is not None
    title.append(" revoked" if done else " not revoked yet", style="green" if done else "yellow")
    console.print(title)
    console.print(Text(in_words(revocation)))
