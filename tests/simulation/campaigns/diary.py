"""The simulated journal: real entries, read by the guard's own code."""

import json
from dataclasses import dataclass, field
from typing import Any

from ostiary.guard import history
from ostiary.guard.history import History
from ostiary.kernel.journal import Entry


@dataclass
class Diary:
    """An append-only list of entries, and what they add up to."""

    entries: list[Entry] = field(default_factory=list)
    present: History = field(default_factory=History)

    def append(self, kind: str, subject: str | None, data: dict[str, Any]) -> None:
        """Write one entry, as JSON would keep it."""
        kept = json.loads(json.dumps(data, allow_nan=False))
        entry = Entry(len(self.entries) + 1, "2026-01-01T00:00:00Z", kind, subject, kept)
        self.entries.append(entry)
        self.present = self.present.after(entry)

    def read(self) -> History:
        """Return the history as a new guard reads it, from the first entry on."""
        return history.read(self.entries)

    def count(self, kind: str, subject: str | None) -> int:
        """Return how many entries of a kind are about a subject."""
        return sum(entry.kind == kind and entry.subject == subject for entry in self.entries)
