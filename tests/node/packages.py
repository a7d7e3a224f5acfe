"""Client libraries from npm, installed exactly as the lock file says."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.availability import find_npm

DIRECTORY = Path(__file__).parent
INSTALL_SECONDS_MAX = 300


@pytest.fixture(scope="session")
def node() -> Path:
    """Node, with the packages of `package-lock.json` installed beside the tests."""
    npm, program = find_npm(), shutil.which("node")
    assert npm is not None, "a test without the mark `node` asked for Node"
    assert program is not None
    lock = DIRECTORY / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = DIRECTORY / "node_modules" / ".installed"
    if not stamp.is_file() or stamp.read_text() != wanted:
        subprocess.run(
            [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=DIRECTORY,
            stdin=subprocess.DEVNULL,
            timeout=INSTALL_SECONDS_MAX,
            check=True,
        )
        stamp.write_text(wanted)
    return Path(program)
