"""Every storage port keeps the same promises on every store that Ostiary supports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.migration import migrate


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store with all tables, on SQLite and then on a real PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'identity.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    opened = open_store(url)
    migrate(opened)
    yield opened
    opened.close()
