"""A journal for what has to work even when the journal does not."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal, JournalError


@contextmanager
def usable_journal(path: Path, clock: Clock) -> Iterator[Journal]:
    """Open the journal at `path`; where it is damaged, one that is forgotten afterwards.

    For stopping what runs: that must not depend on the record of what it did.
    """
    try:
        journal = Journal(path, clock)
        with closing(journal):
            journal.entries()
    except JournalError:
        with (
            TemporaryDirectory(prefix="ostiary-") as directory,
            closing(Journal(Path(directory) / "guard.db", clock)) as scratch,
        ):
            yield scratch
        return
    with closing(Journal(path, clock)) as journal:
        yield journal
