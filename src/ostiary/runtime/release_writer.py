"""Writing the files of a release, not more of them than its limits allow."""

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from ostiary.kernel.errors import UsageError

_WHAT_A_RELEASE_IS = (
    "A release is a directory that holds the package `ostiary` (in it or in its `src`), or a "
    "wheel of it; the package must hold `identity/__main__.py`."
)


def not_a_release(path: Path, why: str) -> UsageError:
    """Return the error for a path that is no release."""
    return UsageError("not_a_release", f"{path} is no release: {why}.", hint=_WHAT_A_RELEASE_IS)


class ReleaseWriter:
    """Writes the files of one release and keeps to the limits."""

    def __init__(self, source: Path, target: Path, *, bytes_max: int, files_max: int) -> None:
        self._source = source
        self._target = target
        self._bytes_max = bytes_max
        self._files_max = files_max
        self._bytes = 0
        self._files = 0

    def write(self, files: Iterator[tuple[str, Generator[bytes]]]) -> None:
        """Write files by their names; raises `UsageError` beyond the limits."""
        for name, chunks in files:
            self._files += 1
            if self._files > self._files_max:
                raise not_a_release(self._source, f"it has more than {self._files_max} files")
            if not _is_utf8(name):
                raise not_a_release(self._source, f"the file name {name!r} is not UTF-8")
            path = self._target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Closed at once when this stops half-way; they hold the source open.
            with path.open("xb") as stream, closing(chunks):
                for chunk in chunks:
                    self._bytes += len(chunk)
                    if self._bytes > self._bytes_max:
                        raise not_a_release(
                            self._source, f"it has more than {self._bytes_max} bytes"
                        )
                    stream.write(chunk)


def _is_utf8(name: str) -> bool:
    """Return whether a name is text; Linux allows any bytes, which Python shows as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
