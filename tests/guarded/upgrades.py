"""The next release: a copy of this one with one migration more, and a column that it fills.

This release then is the previous one. What it does not know of the newer tables is what any
release does not know of its successor's.
"""

import re
import shutil
from pathlib import Path

import ostiary

MARK = "the next release"
"""What the next release writes into the new column."""

_MIGRATION = '''\
"""A column more."""

import os
import time

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, slowly enough that another replica, or a signal, can arrive meanwhile."""
    with open({runs!r}, "a") as runs:
        runs.write(f"{{os.getpid()}}\\n")
    op.create_table("first_half", sa.Column("id", sa.Text(), primary_key=True))
    op.add_column("sessions", sa.Column("made_by", sa.Text(), nullable=True))
    time.sleep({seconds})
    while os.path.exists({held!r}):
        time.sleep(0.02)
'''
_COLUMN = '    Column("created_by_request", Text, nullable=False, unique=True),\n'


def write_next_release(target: Path, runs: Path, *, seconds: float = 0.0) -> Path:
    """Write the next release to `target` and return it.

    Each run of its migration adds a line with its process id to `runs`, and takes `seconds`, and
    for as long as there is a file `held_up(runs)`.
    """
    package = target / "ostiary"
    shutil.copytree(
        Path(ostiary.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    store = package / "identity" / "store"
    migration = store / "revision.py"
    head = re.search(r'^HEAD = "(\d+)"$', migration.read_text(), re.MULTILINE)
    assert head is not None
    revision = f"{int(head[1]) + 1:04}"
    _edit(migration, head[0], f'HEAD = "{revision}"')
    content = _MIGRATION.format(
        revision=revision,
        before=head[1],
        runs=str(runs),
        held=str(held_up(runs)),
        seconds=seconds,
    )
    (store / "migrations" / "versions" / f"{revision}_made_by.py").write_text(content)
    schema = store / "schema.py"
    before, sessions, after = schema.read_text().partition("sessions = Table(")
    column = f'    Column("made_by", Text, nullable=True, default={MARK!r}),\n'
    schema.write_text(before + sessions + after.replace(_COLUMN, _COLUMN + column, 1))
    assert MARK in schema.read_text()
    return target


def held_up(runs: Path) -> Path:
    """Return the file during whose life no migration ends."""
    return runs.with_name("held-up")


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))
