"""Reading the code of a release out of a directory or a wheel, trusting neither.

What is read is written into an empty directory: plain files only, nothing from outside the given
path, and not more than the stated limits.
"""

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

from ostiary.kernel.errors import UsageError
from ostiary.runtime.release_writer import ReleaseWriter, not_a_release

PACKAGE = "ostiary"
ENTRY = f"{PACKAGE}/identity/__main__.py"

BYTES_MAX = 64 * 1024 * 1024
"""Ostiary itself has about one megabyte; a fork may bring pictures and fonts."""

FILES_MAX = 10_000

SERVICE_BYTES_MAX = 256 * 1024 * 1024
SERVICE_FILES_MAX = 50_000
"""Other services bring their dependencies; all of it is hashed before every start."""

_CHUNK_BYTES = 256 * 1024
_IGNORED = frozenset({"__pycache__", ".git", ".mypy_cache", ".ruff_cache"})
_UNREADABLE_WHEEL = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)


def read_release(path: Path, target: Path) -> None:
    """Copy the package in a directory or wheel to `target`, an empty directory.

    Raises `UsageError` for every other thing, for links and special files that lead out of it,
    and for what is too large. Raises `OSError` where `target` cannot be written.
    """
    if path.is_dir():
        _writer(path, target).write(_files_in_directory(path))
    elif path.is_file() and path.suffix == ".whl":
        _read_wheel(path, target)
    elif path.exists():
        raise not_a_release(path, "it is neither a directory nor a wheel")
    else:
        raise not_a_release(path, "it does not exist")
    if not (target / ENTRY).is_file():
        raise not_a_release(path, f"there is no {ENTRY} in it")


def read_service_release(path: Path, target: Path) -> None:
    """Copy a whole directory, the release of another service than identity, to `target`.

    Raises as `read_release` does.
    """
    if not path.is_dir():
        why = "it is no directory" if path.exists() else "it does not exist"
        raise UsageError(
            "not_a_release",
            f"{path} is no release: {why}.",
            hint="The release of a service is a directory with all that its command runs.",
        )
    root = path.resolve()
    writer = ReleaseWriter(path, target, bytes_max=SERVICE_BYTES_MAX, files_max=SERVICE_FILES_MAX)
    writer.write(_files_below(path, root, root))


def _writer(source: Path, target: Path) -> ReleaseWriter:
    return ReleaseWriter(source, target, bytes_max=BYTES_MAX, files_max=FILES_MAX)


def _files_in_directory(path: Path) -> Iterator[tuple[str, Generator[bytes]]]:
    root = path.resolve()
    base = next((b for b in (root, root / "src") if (b / PACKAGE / "__init__.py").is_file()), None)
    if base is None:
        raise not_a_release(path, f"there is no package `{PACKAGE}` in it")
    if not (base / PACKAGE).resolve().is_relative_to(root):
        raise not_a_release(path, f"the link `{PACKAGE}` leads out of it")
    for name, chunks in _files_below(path, root, base / PACKAGE):
        yield f"{PACKAGE}/{name}", chunks


def _files_below(path: Path, root: Path, top: Path) -> Iterator[tuple[str, Generator[bytes]]]:
    """Yield the files below `top` by their names there; `root` is what links must not leave."""
    for directory, subdirectories, names in os.walk(top, onerror=_raise):
        kept = sorted(set(subdirectories) - _IGNORED)
        for name in (*kept, *sorted(names)):
            _check_link(path, root, Path(directory, name))
        subdirectories[:] = kept
        for name in sorted(names):
            file = Path(directory, name)
            yield file.relative_to(top).as_posix(), _chunks_of_file(path, file)


def _raise(error: OSError) -> None:
    """Stop at a directory that cannot be listed, where `os.walk` would go on without it."""
    raise error


def _check_link(path: Path, root: Path, member: Path) -> None:
    """Refuse links that lead out of the release, and links to directories, which may be loops."""
    if not member.is_symlink():
        return
    # Asked first, because a link that leads to itself cannot be resolved.
    if not member.is_file():
        raise not_a_release(path, f"the link {member.relative_to(root)} does not lead to a file")
    if not member.resolve().is_relative_to(root):
        raise not_a_release(path, f"the link {member.relative_to(root)} leads out of it")


def _chunks_of_file(path: Path, file: Path) -> Generator[bytes]:
    # Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise not_a_release(path, f"{file.name} is no ordinary file")
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _read_wheel(path: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [_checked(path, member) for member in archive.infolist()]
            files = (
                (member.filename, _chunks_of_member(archive, member))
                for member in members
                if member.filename.startswith(f"{PACKAGE}/")
                if not member.is_dir() and not _IGNORED.intersection(member.filename.split("/"))
            )
            _writer(path, target).write(files)
    except _UNREADABLE_WHEEL as error:
        raise not_a_release(path, f"the wheel cannot be read ({error})") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise not_a_release(path, "the wheel holds one name twice") from error


def _checked(path: Path, member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Refuse a member whose name would be written elsewhere, or that is no ordinary file."""
    name = member.filename
    parts = name.removesuffix("/").split("/")
    # An empty part comes of a leading or doubled slash.
    if "\\" in name or ":" in name or not all(part not in {"", ".", ".."} for part in parts):
        raise not_a_release(path, f"the wheel holds the unsafe name {name[:100]!r}")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise not_a_release(path, f"{name[:100]!r} in the wheel is no ordinary file")
    if member.flag_bits & 1:
        raise not_a_release(path, f"{name[:100]!r} in the wheel is encrypted")
    return member


def _chunks_of_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Generator[bytes]:
    # Read in pieces: the size that the archive states is not trusted.
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def make_read_only(root: Path, mode: int = 0o444) -> None:
    """Take the right to write from every file; directories stay so that `rm -r` can remove them."""
    for directory, _, names in os.walk(root):
        for name in names:
            os.chmod(Path(directory, name), mode)
        os.chmod(directory, 0o700)
