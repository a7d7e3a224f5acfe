"""Keys that go away: a warning until their date, a refusal from then on.

A key is declared with `setting_fields.deprecated`; it goes on working until it is refused. Nothing
here reads a clock: without a date nothing is refused.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from ostiary.changes.configuration import Configuration, SettingsFile
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.kernel.settings import KeyPath, dotted


def refused_keys_are_gone(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to keys whose date has come."""
    if surroundings.today is not None:
        yield from refused_keys(SettingsFile, configuration.document.tables, surroundings.today)


def refused_keys(
    model: type[BaseModel], tables: Mapping[str, Any], today: date
) -> Iterator[Finding]:
    """Yield each written key that is refused from today on, or was before."""
    for path, extra in _deprecated_keys(model, tables):
        if today >= date.fromisoformat(extra["refused_from"]):
            yield Finding(
                path,
                "deprecated_key_refused",
                f"`{dotted(path)}` is refused since {extra['refused_from']}.",
                extra["instead"],
            )


def deprecated_keys(
    model: type[BaseModel], tables: Mapping[str, Any], today: date | None
) -> Iterator[Finding]:
    """Yield each written key that still works and will be refused."""
    for path, extra in _deprecated_keys(model, tables):
        if today is None or today < date.fromisoformat(extra["refused_from"]):
            yield Finding(
                path,
                "deprecated_key",
                f"`{dotted(path)}` is deprecated and will be refused from "
                f"{extra['refused_from']} on.",
                extra["instead"],
            )


def _deprecated_keys(
    model: type[BaseModel], tables: Mapping[str, Any], table: KeyPath = ()
) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield each deprecated key that stands in the file, with what was declared of it."""
    for name, field in model.model_fields.items():
        if name not in tables:
            continue
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("deprecated"):
            yield (*table, name), dict(extra)
        kind, value = field.annotation, tables[name]
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, Mapping):
            yield from _deprecated_keys(kind, value, (*table, name))
