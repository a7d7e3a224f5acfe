"""The typed content of `ostiary.toml`.

`[identity] [flags] [edge] [services]` belong to the snapshot and roll back together with the
release. `[guard]` steers how changes are judged and is never part of a snapshot.

Types and the bounds of single values stand with the tables, and in the schema made of them. What
several values must satisfy together stands in `changes.checks`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ostiary.changes.edge_settings import EdgeSettings
from ostiary.changes.environment import with_secret_files
from ostiary.changes.guard_settings import GuardSettings
from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.misplaced_secrets import with_right_places
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.kernel.settings import (
    Document,
    SettingsError,
    SettingsTable,
    read_document,
    validate,
)

__all__ = [
    "Configuration",
    "EdgeSettings",
    "GuardSettings",
    "IdentitySettings",
    "SettingsFile",
    "SnapshotSettings",
    "json_schema",
    "load_configuration",
    "parse_configuration",
]


Table = TypeVar("Table", bound=SettingsTable)


class SettingsFile(SnapshotSettings):
    """Ostiary's settings file."""

    guard: GuardSettings = GuardSettings()


@dataclass(frozen=True, slots=True)
class Configuration:
    """The content of one `ostiary.toml`, typed and with all defaults.

    `document` is what it was read from, so that later checks can name lines.
    """

    snapshot_settings: SnapshotSettings = field(default_factory=SnapshotSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)
    document: Document = field(default=Document("ostiary.toml"), compare=False)


def load_configuration(path: Path | None) -> Configuration:
    """Read `ostiary.toml`; None gives the defaults.

    Types and single values are checked, the rules of `changes.checks` are not. Raises
    `UsageError` where there is no readable file, `SettingsError` with every problem otherwise.
    Variables of this process may name the files of secrets, see `changes.environment`.
    """
    if path is None:
        return Configuration()
    return parse_configuration(with_secret_files(read_document(path), os.environ))


def parse_configuration(document: Document) -> Configuration:
    """Return the typed content of a document; raises `SettingsError` with every problem."""
    try:
        content = validate(SettingsFile, document)
    except SettingsError as error:
        raise SettingsError(with_right_places(error.problems)) from None
    tables = {name: getattr(content, name) for name in SnapshotSettings.model_fields}
    base = Path(document.file).parent
    tables["edge"] = _with_absolute_paths(content.edge, base, "certificate", "key")
    tables["services"] = {
        name: _service_with_absolute_paths(service, base)
        for name, service in content.services.items()
    }
    return Configuration(SnapshotSettings.model_construct(**tables), content.guard, document)


def _service_with_absolute_paths(service: ServiceSettings, base: Path) -> ServiceSettings:
    service = _with_absolute_paths(service, base, "release")
    if service.oidc is None:
        return service
    oidc = _with_absolute_paths(service.oidc, base, "client_secret_file", "password_file")
    return service.model_copy(update={"oidc": oidc})


def _with_absolute_paths(settings: Table, base: Path, *names: str) -> Table:
    """Return the settings with paths that mean the same wherever they are read."""
    paths = {name: getattr(settings, name) for name in names}
    absolute = {
        name: str((base / Path(path).expanduser()).absolute())
        for name, path in paths.items()
        if path is not None
    }
    return settings.model_copy(update=absolute)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `ostiary.toml`: type, default, bounds, unit and meaning.

    `deprecated` keys have the date in `refused_from`, and in `instead` what to write. A key without
    a default says in `unset` what holds without it.
    """
    schema = SettingsFile.model_json_schema()
    for table in schema["$defs"].values():
        table["properties"] = {k: _without_null(e) for k, e in table["properties"].items()}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {**head, **schema, "title": "ostiary.toml", "additionalProperties": False}


def _without_null(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key as TOML can hold it, without null, and without a title that says nothing."""
    kinds = [kind for kind in entry.get("anyOf", ()) if kind != {"type": "null"}]
    plain = {name: value for name, value in entry.items() if name != "title"}
    if len(kinds) != 1:
        return plain
    del plain["anyOf"]
    if plain.get("default", "") is None:
        del plain["default"]
        plain.setdefault("unset", "none")
    return {**kinds[0], **plain}
