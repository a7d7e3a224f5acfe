"""Content addresses: the same content has the same name, and a changed file is noticed."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_IGNORED_DIRECTORIES = frozenset({"__pycache__", ".git", ".mypy_cache", ".ruff_cache"})


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def content_hash(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the SHA-256 of a JSON value's canonical text, in hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def files_below(root: Path) -> Iterator[Path]:
    """Yield the files that belong to a release, sorted; byte code and tool caches do not."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not _IGNORED_DIRECTORIES.intersection(parts):
            yield path


def directory_hash(root: Path) -> str:
    """Return the SHA-256 over names and contents of all files below a directory.

    Lengths are hashed with the parts, so that moving a byte from a name into a content cannot
    produce the same hash.
    """
    digest = hashlib.sha256()
    for path in files_below(root):
        name = path.relative_to(root).as_posix().encode()
        content = path.read_bytes()
        digest.update(len(name).to_bytes(8, "big") + name)
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
