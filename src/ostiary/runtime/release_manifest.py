"""The manifest of a release: its hash, and the hash of every file as it was imported."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostiary.kernel.files import write_atomically
from ostiary.kernel.hashing import directory_hash


def write_manifest(directory: Path, release_hash: str, bytecode: list[str | None]) -> None:
    """Write the manifest beside a release's directory; `bytecode` names the Pythons it is for."""
    manifest = {"hash": release_hash, "files": file_hashes(directory), "bytecode": bytecode}
    write_atomically(_path(directory), json.dumps(manifest, indent=1).encode())


def read_manifest(directory: Path) -> dict[str, Any] | None:
    """Return the manifest of a release's directory; None where there is none that is usable."""
    try:
        manifest = json.loads(_path(directory).read_bytes())
    except (OSError, ValueError):
        return None
    wanted = {"hash": str, "files": dict, "bytecode": list}
    usable = isinstance(manifest, dict) and all(
        isinstance(manifest.get(key), kind) for key, kind in wanted.items()
    )
    return manifest if usable else None


def touch_manifest(directory: Path) -> None:
    """Note that a release was imported again just now."""
    os.utime(_path(directory))


def remove_manifest(directory: Path) -> bool:
    """Remove the manifest of a release; return whether there was one."""
    path = _path(directory)
    was_there = path.exists()
    path.unlink(missing_ok=True)
    return was_there


def imported_at(directory: Path) -> float:
    """Return when a release was imported last, in Unix seconds."""
    return _path(directory).stat().st_mtime


def changed_files(directory: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the files that are not what was imported; missing and added ones count as well."""
    listed, found = manifest["files"], file_hashes(directory)
    changed = {name for name in listed.keys() | found if listed.get(name) != found.get(name)}
    if not changed and directory_hash(directory) != manifest["hash"]:
        # The manifest agrees with the files, but neither with the release's name.
        return [_path(directory).name]
    return sorted(changed)


def _path(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.json")


def file_hashes(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a directory, byte code included.

    A link stands for what it points to, not for the content there: no copy contains one.
    """
    hashes = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            hashes[name] = f"link to {path.readlink()}"
        elif path.is_file():
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashes
