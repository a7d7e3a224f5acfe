"""What a change's end means to the shell."""

from ostiary.kernel.errors import ExitCode


def exit_code_of(verdict: str, stage: str) -> int:
    """Return the exit code for a settled change, as the command-line contract lists them."""
    codes = {
        "promoted": ExitCode.DONE,
        "rolled_back": ExitCode.ROLLED_BACK,
        "held": ExitCode.HELD,
        "refused": ExitCode.REFUSED if stage == "check" else ExitCode.REHEARSAL_FAILED,
    }
    return int(codes[verdict])
