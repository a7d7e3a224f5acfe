"""What earlier trials found, so that a trial that is repeated, or was broken off, takes no time.

A passage is kept for the code of the whole of Ostiary, and a test result for that of identity and
of its tests: where any of it has changed, everything is tried anew.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ostiary.drills.mutants.model import Mutant, Passage


@dataclass(frozen=True, slots=True)
class Cache:
    """A directory of results, for one state of the code that they depend on."""

    directory: Path
    code: str

    def passage(self, mutant: Mutant, *, all_the_way: bool) -> Passage | None:
        """Return how the mutant went through the stages, None where that is not known."""
        value = self._read(self._path(mutant, "canary" if all_the_way else "rehearsal"))
        if value is None:
            return None
        return Passage(
            value["stopped_at"],
            tuple(value["reasons"]),
            tuple(value["seen"]),
            tuple(value["worded"]),
            value["users"],
            tuple(value["harmed"]),
        )

    def keep_passage(self, mutant: Mutant, passage: Passage, *, all_the_way: bool) -> None:
        """Remember how the mutant went through the stages."""
        self._write(self._path(mutant, "canary" if all_the_way else "rehearsal"), asdict(passage))

    def tests(self, mutant: Mutant) -> tuple[str, ...] | None:
        """Return the tests that fail on the mutant, None where that is not known."""
        value = self._read(self._path(mutant, "tests"))
        return None if value is None else tuple(value["failing"])

    def keep_tests(self, mutant: Mutant, failing: Iterable[str]) -> None:
        """Remember the tests that fail on the mutant."""
        self._write(self._path(mutant, "tests"), {"failing": list(failing)})

    def _path(self, mutant: Mutant, what: str) -> Path:
        return self.directory / self.code[:16] / f"{mutant.key[:24]}.{what}.json"

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            value = json.loads(path.read_text())
        except (OSError, ValueError):
            # A file that was cut off is like none.
            return None
        return value if isinstance(value, dict) else None

    def _write(self, path: Path, value: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(value))
        part.replace(path)


def default_directory() -> Path:
    """Return where results are kept for this user (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ostiary" / "mutants"


def code_hash(*directories: Path) -> str:
    """Return what the Python files below some directories are known by; missing ones are empty."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in sorted(directory.rglob("*.py")):
            digest.update(str(path.relative_to(directory)).encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
