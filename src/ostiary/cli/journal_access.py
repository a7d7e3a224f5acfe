"""A journal for what has to work even when the journal does not."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal, JournalError


@contextmanager
def usable_journal(path: Path, clock: Clock) -> Iterator[Journal]:
    """Open the journal at `path`; where it is damaged, one that is forgotten afterwards.

    For stopping what runs: that must not depend on the record of what it did.
    """
    with ExitStack() as opened:
        try:
            journal = opened.enter_context(closing(Journal(path, clock)))
            journal.entries()
        except JournalError:
            directory = opened.enter_context(TemporaryDirectory(prefix="ostiary-"))
            scratch = Path(directory) / "guard.db"
            journal = opened.enter_context(closing(Journal(scratch, clock)))
        yield journal
