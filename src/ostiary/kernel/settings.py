"""Reading typed settings from TOML, with every problem named at its line.

A settings model is a `SettingsTable`: unknown keys are refused, types are strict, values cannot
change. What a file may hold is decided by the slice that owns the model; this module knows only
how a file is read and how problems are told.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ostiary.kernel.errors import UsageError
from ostiary.kernel.problems import Problem, SettingsError, dotted
from ostiary.kernel.settings_problems import explain
from ostiary.kernel.toml_lines import KeyPath, key_lines
from ostiary.kernel.toml_syntax import syntax_problem

__all__ = [
    "Document",
    "KeyPath",
    "Problem",
    "SettingsError",
    "SettingsTable",
    "dotted",
    "parse_document",
    "read_document",
    "validate",
]

FILE_BYTES_MAX = 1024 * 1024
"""A settings file is written by people; more than this is another file."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-16, as some editors write them."""

Model = TypeVar("Model", bound=BaseModel)


class SettingsTable(BaseModel):
    """A table of settings: strict types, no unknown keys, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Document:
    """The untyped content of one settings file, and the line of each key.

    `origins` has the keys whose value comes from elsewhere, and its name there.
    """

    file: str
    tables: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    origins: Mapping[KeyPath, str] = field(default_factory=dict)

    def line_of(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest table around it; None where none stands."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_document(path: Path) -> Document:
    """Read a TOML file.

    Raises `UsageError` where there is no readable file, and `SettingsError` where its content is
    too large, not UTF-8 or not TOML.
    """
    content = _read_bytes(path)
    file = str(path)
    if len(content) > FILE_BYTES_MAX:
        message = f"The file is larger than {FILE_BYTES_MAX} bytes; this is no settings file."
        hint = "Name the file that `ostiary up --config` was given."
        raise SettingsError([Problem(file, None, None, "file_too_large", message, hint)])
    try:
        # A byte order mark says nothing in UTF-8, but some editors write one.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"The byte 0x{content[error.start]:02x} is not UTF-8."
        hint = "Save the file as UTF-8."
        if content.startswith(_UTF_16):
            line, message = 1, "The file is UTF-16, not UTF-8."
        raise SettingsError([Problem(file, line, None, "not_utf8", message, hint)]) from None
    return parse_document(text, file=file)


def _read_bytes(path: Path) -> bytes:
    """Return the content, or one byte more than is allowed of a file that is too large."""
    try:
        # Asked first, because opening a pipe would wait for somebody to write into it.
        if path.exists() and not path.is_file():
            raise UsageError("not_a_file", f"{path} is not a file.", hint="Name a TOML file.")
        with path.open("rb") as stream:
            return stream.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise UsageError(
            "file_not_found", f"There is no settings file {path}.", hint="Check the path."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            "file_not_readable",
            f"The settings file {path} cannot be read: {reason}.",
            hint="Make it readable for the user who runs this, or name another file.",
        ) from error


def parse_document(text: str, *, file: str) -> Document:
    """Parse TOML text; `file` is the name that problems show. Raises `SettingsError`."""
    try:
        return Document(file, tomllib.loads(text), key_lines(text))
    except RecursionError:
        message, hint = "Values are nested too deeply.", "No setting is a list of lists; remove it."
        raise SettingsError([Problem(file, None, None, "toml_syntax", message, hint)]) from None
    except ValueError as error:
        raise SettingsError([syntax_problem(str(error), text, file)]) from None


def validate(model: type[Model], document: Document) -> Model:
    """Return the typed settings in a document; raises `SettingsError` with every problem."""
    try:
        return model.model_validate(document.tables)
    except ValidationError as error:
        problems = explain(
            error.errors(include_url=False),
            model,
            document.tables,
            file=document.file,
            line_of=document.line_of,
        )
        raise SettingsError(problems) from None
