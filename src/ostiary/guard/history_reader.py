"""The history as of now, read from the journal bit by bit."""

from ostiary.guard.history import History
from ostiary.kernel.journal import Journal


class HistoryReader:
    """Keeps the history that it has read, and adds what was journalled since."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._history = History()
        self._read_until = 0

    def present(self) -> History:
        """Return what all entries up to now add up to."""
        for entry in self._journal.entries(after=self._read_until):
            self._history = self._history.after(entry)
            self._read_until = entry.seq
        return self._history
