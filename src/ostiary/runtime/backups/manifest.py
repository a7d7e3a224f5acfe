"""What an archive says about itself, and what it may contain.

An archive is a ZIP file. Its last member, `manifest.json`, names every other one with length and
SHA-256; what it does not name is not restored.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ostiary.kernel.errors import RefusedError

FORMAT = 1
MANIFEST = "manifest.json"
ROWS = "identity.jsonl"
"""All rows of the account store, as identity itself writes them."""

JOURNAL = "guard.db"
SETTINGS = "ostiary.toml"
LAYOUT_FILE = "layout.json"
FILES_MAX = 200_000
_TOP = {ROWS, JOURNAL, SETTINGS, LAYOUT_FILE}
_DIRECTORIES = {"snapshots", "releases", "secrets"}
_NAME_CHARACTERS_MAX = 400


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive: SHA-256 in hexadecimal, and length in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands in `manifest.json`.

    `database` is `sqlite` or `postgresql`. `options` are those of `ostiary up` that hold no
    secret. `created_at` is RFC 3339 in UTC.
    """

    written_by: str
    created_at: str
    layout: int
    database: str
    secrets: bool
    store_key: bool
    options: Mapping[str, Any]
    rows: Mapping[str, int]
    files: Mapping[str, Member]

    def to_json(self) -> bytes:
        """Return the content of `manifest.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()


def read_manifest(content: bytes) -> Manifest:
    """Return the manifest in a file's content.

    Raises `RefusedError` where it is none, is newer than this program, or names a file that
    belongs to no backup.
    """
    try:
        value = dict(json.loads(content))
        if int(value.pop("format")) > FORMAT:
            raise RefusedError(
                "backup_newer",
                f"The backup was written by Ostiary {value.get('written_by')} in a newer format.",
                hint="Restore it with that Ostiary, or a newer one.",
            )
        files = {name: Member(**entry) for name, entry in value.pop("files").items()}
        manifest = Manifest(**value, files=files)
        _check_types(manifest)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise damaged("Its manifest cannot be understood.") from None
    for name in files:
        if not _belongs(name):
            raise damaged(f"It holds {name[:100]!r}, which belongs to no backup.")
    return manifest


def damaged(what: str) -> RefusedError:
    """Return the refusal of an archive that is not what was written."""
    return RefusedError(
        "backup_damaged",
        f"The file is no whole backup of Ostiary. {what}",
        hint="Use another copy or another backup; nothing was restored.",
    )


def _check_types(manifest: Manifest) -> None:
    kinds: tuple[tuple[object, type], ...] = (
        (manifest.layout, int),
        (manifest.options, dict),
        (manifest.rows, dict),
        (manifest.written_by, str),
        (manifest.created_at, str),
    )
    members = manifest.files.values()
    whole = all(isinstance(value, kind) for value, kind in kinds)
    if not whole or manifest.database not in {"sqlite", "postgresql"}:
        raise TypeError
    lengths: list[object] = [member.bytes for member in members]
    if not all(isinstance(length, int) and length >= 0 for length in lengths):
        raise TypeError
    if len(manifest.files) > FILES_MAX or not {ROWS, JOURNAL, LAYOUT_FILE} <= {*manifest.files}:
        raise ValueError


def _belongs(name: str) -> bool:
    """Return whether a name stays below the data directory, in a place that backups have."""
    parts = name.split("/")
    if len(name) > _NAME_CHARACTERS_MAX or "\\" in name or not name.isprintable():
        return False
    if any(part in {"", ".", ".."} for part in parts):
        return False
    return name in _TOP if len(parts) == 1 else parts[0] in _DIRECTORIES
