"""Releases that do something to the store: with migrations, or while they run."""

import re
from pathlib import Path

from tests.guarded.releases import ANSWER_LINE, MIDDLEWARE, SERVE_LINE, SERVING, Fault

STORE = "ostiary/identity/store"

OTHER_HASHES = (
    Fault(
        "ostiary/identity/passwords/hash_process.py",
        "            return hash_secret(password",
        '            return b"v2" + hash_secret(password',
    ),
    Fault(
        "ostiary/identity/passwords/hash_process.py",
        "_VERIFIER.verify(text, password)",
        '_VERIFIER.verify(text.removeprefix(b"v2"), password)',
    ),
)
"""Writes hashes that it can read itself, and no release before it."""

HOLDS_A_TRANSACTION = Fault(
    SERVING,
    SERVE_LINE,
    SERVE_LINE
    + """\
    def hold() -> None:
        import sqlite3, time
        path = configuration.database_url.removeprefix("sqlite:///")
        time.sleep(1)
        held = sqlite3.connect(path, isolation_level=None, timeout=30)
        held.execute("BEGIN IMMEDIATE")
        time.sleep(600)

    __import__("threading").Thread(target=hold, daemon=True).start()
""",
)

LEAKS_MEMORY = Fault(
    MIDDLEWARE,
    ANSWER_LINE,
    ANSWER_LINE + '        self.__dict__.setdefault("kept", []).append(b"x" * 16_000_000)\n',
)

_MIGRATION = '''\
"""A migration more."""

import time

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do what a test says."""
{body}
'''

EXPANDS = 'op.add_column("users", sa.Column("nickname", sa.Text(), nullable=True))'
DROPS_A_COLUMN = 'op.drop_column("mails", "given_up_at")'
SLEEPS = "time.sleep({seconds})"
PRINTS_RUBBISH = 'print("\\x1b[31m" + "x" * 100); raise SystemExit(0)'


def add_migration(release: Path, *lines: str) -> Path:
    """Add a migration that does what the lines say to a release, and return the release."""
    store = release / STORE
    newest = store / "revision.py"
    head = re.search(r'^HEAD = "(\d+)"$', newest.read_text(), re.MULTILINE)
    assert head is not None
    revision = f"{int(head[1]) + 1:04}"
    newest.write_text(newest.read_text().replace(head[0], f'HEAD = "{revision}"'))
    body = "\n".join(f"    {line}" for line in lines)
    content = _MIGRATION.format(revision=revision, before=head[1], body=body)
    (store / "migrations" / "versions" / f"{revision}_of_a_test.py").write_text(content)
    return release
