"""Putting a bug into a copied release: edits of its source.

A bug is what a person could have written on a bad day. It is tied to the text that it replaces:
where that text is not found exactly once, nothing is changed and the drill cannot be run.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from ostiary.kernel.errors import RefusedError
from ostiary.kernel.settings import SettingsTable


class FaultNotInjectableError(RefusedError):
    """The fault does not fit, or something is missing here that it needs; nothing was done."""


def _within_release(path: str) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("a file of the release is meant; write its path from there")
    return path


class Edit(SettingsTable):
    """One replacement in one file. `file` is relative to the release; `old` must stand once."""

    file: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_within_release)]
    old: Annotated[str, Field(min_length=1, max_length=20_000)]
    new: Annotated[str, Field(max_length=20_000)]


def apply_edits(edits: Sequence[Edit], release: Path) -> None:
    """Write a bug into the release in `release`, a directory that holds `ostiary`.

    Raises `FaultNotInjectableError` before anything is written, and `OSError` where the release
    cannot be written to.
    """
    changed: dict[Path, str] = {}
    for edit in edits:
        path = release / edit.file
        changed[path] = _edited(changed.get(path, _read(path)), edit)
    for path, text in changed.items():
        _require_program(path, text)
    for path, text in changed.items():
        path.write_text(text)


def _edited(text: str, edit: Edit) -> str:
    found = text.count(edit.old)
    if found != 1:
        raise FaultNotInjectableError(
            "fault_not_injectable",
            f"The fault does not fit: the text that it replaces stands {found} times in "
            f"{edit.file}.",
            hint="Use a release of this version, or bring the fault up to date.",
        )
    return text.replace(edit.old, edit.new)


def _require_program(path: Path, text: str) -> None:
    """Refuse what is no Python: a fault is a release that starts and then fails."""
    if path.suffix != ".py":
        return
    try:
        compile(text, str(path), "exec")
    except SyntaxError as error:
        raise FaultNotInjectableError(
            "fault_not_injectable",
            f"With the fault {path.name} is no Python any more: line {error.lineno}, {error.msg}.",
            hint="Write `new` so that the release still starts.",
        ) from None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        # Told as text that does not stand there: for a fault it makes no difference.
        return ""
