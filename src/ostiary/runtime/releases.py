"""Releases: the code of a service, copied under the hash of its content.

```
releases/<first 12 of the hash>/ostiary/…   the copy, read-only
releases/<first 12 of the hash>.json        {"hash", "files": {name: sha256}, "bytecode": […]}
```

The small JSON file, the manifest, is written last: a directory without one is what a crash left
behind, and is never used. A replica runs from the copy, so that nothing that happens to the
original reaches it.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ostiary
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.files import sync_file_system
from ostiary.kernel.hashing import directory_hash
from ostiary.runtime.bytecode import CACHE_TAG, compile_tree
from ostiary.runtime.release_manifest import (
    changed_files,
    read_manifest,
    remove_manifest,
    touch_manifest,
    write_manifest,
)
from ostiary.runtime.release_places import STAGING, locked, put_aside, remove_leftovers
from ostiary.runtime.release_sources import make_read_only, read_release, read_service_release

_SHORT = 12


class ReleaseAlteredError(OstiaryError):
    """The copy of a release no longer has the content that its hash stands for."""


@dataclass(frozen=True, slots=True)
class Release:
    """The code of a service: SHA-256 of its content, and the directory to put on Python's path."""

    hash: str
    directory: Path


class ReleaseStore:
    """The releases of one data directory."""

    def __init__(self, directory: Path) -> None:
        """Keep releases in `directory`, which need not exist yet."""
        self._directory = directory

    def import_installed(self) -> Release:
        """Import the running package itself, which is the first release of every system."""
        return self.import_release(Path(ostiary.__file__).parents[1])

    def import_release(self, path: Path) -> Release:
        """Copy the code at `path` and return the release that it is.

        `path` is a directory with the package `ostiary` in it or in its `src`, or a wheel. The
        same content again is the same release; a copy that was altered meanwhile is set aside as
        `.altered-<hash>` and made anew. Raises `UsageError` for a path that is no release, and
        where the copy cannot be written.
        """
        return self._import(path, read_release, is_service=False)

    def import_service(self, path: Path) -> Release:
        """Copy the directory at `path`, the release of another service than identity.

        Every file of the copy can be run: which of them could be is no part of the content that a
        hash stands for. Raises as `import_release` does.
        """
        return self._import(path, read_service_release, is_service=True)

    def _import(
        self, path: Path, read: Callable[[Path, Path], None], *, is_service: bool
    ) -> Release:
        try:
            with locked(self._directory):
                remove_leftovers(self._directory)
                staging = Path(tempfile.mkdtemp(dir=self._directory, prefix=STAGING))
                try:
                    read(path, staging)
                    return self._settle(staging, is_service=is_service)
                finally:
                    shutil.rmtree(staging, ignore_errors=True)
        except OSError as error:
            raise UsageError(
                "release_not_copied",
                f"{path} cannot be copied to {self._directory}: {error.strerror}"
                + (f" ({error.filename})." if error.filename else "."),
                hint="See whether everything can be read there and written here.",
            ) from error

    def get(self, release_hash: str) -> Release:
        """Return a release by its hash (or the first 12 characters); its content is not checked.

        Raises `UsageError` where there is none.
        """
        manifest = self._manifest(release_hash)
        return Release(manifest["hash"], self._path(release_hash))

    def list_(self) -> list[Release]:
        """Return every release, sorted by hash."""
        names = sorted(path.stem for path in self._directory.glob("[0-9a-f]*.json"))
        return [self.get(name) for name in names if self._path(name).is_dir()]

    def files(self, release_hash: str) -> dict[str, str]:
        """Return the hash of every file as it was imported; raises `UsageError` as `get` does."""
        files: dict[str, str] = self._manifest(release_hash)["files"]
        return files

    def remove(self, release_hash: str) -> bool:
        """Remove a release that nothing needs; return whether it was there."""
        path = self._path(release_hash)
        with locked(self._directory):
            # Without its manifest a directory is what a crash leaves behind, and is never used.
            was_there = remove_manifest(path)
            shutil.rmtree(path, ignore_errors=True)
        return was_there

    def verify(self, release_hash: str) -> list[str]:
        """Return the files whose content is not what was imported; an empty list is good.

        Files that are missing and files that were added count as well. Raises `UsageError` where
        there is no such release.
        """
        return changed_files(self._path(release_hash), self._manifest(release_hash))

    def for_start(self, release_hash: str, *, compiled: bool = True) -> Release:
        """Return a release that is whole and, where it is identity's, compiled for this Python.

        Raises `UsageError` where there is none, `ReleaseAlteredError` where it is not whole.
        """
        changed = self.verify(release_hash)
        if changed:
            raise ReleaseAlteredError(
                "release_altered",
                f"The copy of release {release_hash[:_SHORT]} was altered: "
                f"{', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}.",  # noqa: PLR2004
                hint="Import the release again; the altered copy is then kept for you to inspect.",
            )
        if compiled and CACHE_TAG not in self._manifest(release_hash)["bytecode"]:
            with locked(self._directory):
                self._compile(self._path(release_hash))
        return self.get(release_hash)

    def _settle(self, staging: Path, *, is_service: bool) -> Release:
        """Give a complete copy its name, unless the same content has it already."""
        release_hash = directory_hash(staging)
        final = self._path(release_hash)
        if self._is_whole(release_hash):
            # Wanted again: whoever removes old releases goes by this time.
            touch_manifest(final)
            return self.get(release_hash)
        if is_service:
            make_read_only(staging, 0o555)
        else:
            compile_tree(staging, final=final)
            make_read_only(staging)
        # Before anything says that the release is there: a power cut would leave empty files.
        sync_file_system(staging)
        remove_manifest(final)
        put_aside(final)
        os.replace(staging, final)
        write_manifest(final, release_hash, [] if is_service else [CACHE_TAG])
        return Release(release_hash, final)

    def _is_whole(self, release_hash: str) -> bool:
        try:
            return not self.verify(release_hash)
        except UsageError:
            return False

    def _compile(self, directory: Path) -> None:
        """Add byte code for this Python to a release that another one imported."""
        manifest = self._manifest(directory.name)
        compile_tree(directory, final=directory)
        sync_file_system(directory)
        write_manifest(directory, manifest["hash"], [*manifest["bytecode"], CACHE_TAG])

    def _manifest(self, release_hash: str) -> dict[str, Any]:
        path = self._path(release_hash)
        manifest = read_manifest(path)
        if manifest is not None and manifest["hash"].startswith(release_hash) and path.is_dir():
            return manifest
        raise UsageError(
            "release_not_found",
            f"There is no release {release_hash[:_SHORT]} in {self._directory}.",
            hint="Propose it again by its path.",
        )

    def _path(self, release_hash: str) -> Path:
        return self._directory / release_hash[:_SHORT].replace("/", "_")
