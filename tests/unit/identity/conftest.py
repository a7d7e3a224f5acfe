"""The login service for one test, on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identity_app import IdentityService, build_identity


@pytest.fixture
def service(tmp_path: Path) -> Iterator[IdentityService]:
    """A login service without any account."""
    built = build_identity(tmp_path)
    yield built
    built.close()
