"""A store key for tests."""

from pathlib import Path

from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealer import Sealer
from tests.identity_app import STORE_KEY


def make_sealer(directory: Path) -> Sealer:
    """Return what seals under the key file in `directory`, which is made where it is missing."""
    file = directory / "store.key"
    if not file.exists():
        file.write_text(STORE_KEY)
    return Sealer(StoreKeyFiles(file))
