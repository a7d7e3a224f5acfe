"""The tables of the journal and the triggers that keep them append-only."""

FORMAT = 1
"""Format of the file, kept as SQLite's `user_version`."""

NO_HASH = "0" * 64
"""What stands before the first entry."""

_ENTRY = """
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT,
  data TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT
"""

_HEAD = """
CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT
"""

# `INSERT OR REPLACE` removes rows without firing the trigger on DELETE; therefore a place that is
# taken is refused before the insertion.
_ENTRY_FOLLOWS = """
CREATE TRIGGER entry_follows BEFORE INSERT ON entry
WHEN NEW.seq <> (SELECT seq + 1 FROM head)
BEGIN SELECT RAISE(ABORT, 'entries are appended, not inserted'); END
"""

_ENTRY_STAYS = """
CREATE TRIGGER entry_stays BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END
"""

_ENTRY_IS_KEPT = """
CREATE TRIGGER entry_is_kept BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END
"""

_HEAD_ADVANCES = """
CREATE TRIGGER head_advances BEFORE UPDATE ON head
WHEN NEW.seq <> OLD.seq + 1
BEGIN SELECT RAISE(ABORT, 'the head only advances'); END
"""

_HEAD_IS_KEPT = """
CREATE TRIGGER head_is_kept BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'the head is never removed'); END
"""

SCHEMA = (
    _ENTRY,
    "CREATE INDEX entry_by_subject ON entry (subject, seq)",
    _HEAD,
    f"INSERT INTO head VALUES (1, 0, '{NO_HASH}')",  # noqa: S608 - a constant of this module
    _ENTRY_FOLLOWS,
    _ENTRY_STAYS,
    _ENTRY_IS_KEPT,
    _HEAD_ADVANCES,
    _HEAD_IS_KEPT,
    f"PRAGMA user_version = {FORMAT}",
)
"""What makes a journal of an empty file, in one transaction."""
