"""What a change would change, told so that a reviewer can decide.

Settings are compared key by key with their meaning and unit; of a release, which files differ,
which parts of the service they belong to, and whether the store is migrated. All of it is a pure
function of two snapshots and their lists of files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.changes.explanations import Risk, explain, without_service
from ostiary.changes.release_areas import Area, area_of, is_migration, served, service_areas
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.runtime.ports import IDENTITY

_NAMES_MAX = 50
"""So many file names are listed; `--patch` shows everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDifference:
    """One key with its value before and after; None where it was not set."""

    key: str
    before: Any
    after: Any
    unit: str | None
    meaning: str
    risk: Risk
    touches: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDifference:
    """One service's release before and after. Names are at most fifty of each kind, sorted."""

    service: str
    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    files: int
    migrations: tuple[str, ...]
    areas: tuple[Area, ...]
    risk: Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs between two snapshots; `risk` is that of the riskiest part."""

    settings: tuple[SettingDifference, ...]
    releases: tuple[ReleaseDifference, ...]
    risk: Risk


Files = Mapping[str, str]
"""The hash of every file of a release by its name."""


def difference(
    before: Snapshot, after: Snapshot, files: Mapping[str, tuple[Files, Files]]
) -> Difference:
    """Return what differs; `files` holds, by service, the files of the releases before and after.

    A release of which no files are known any more differs by its hash alone.
    """
    settings = tuple(_settings(before.settings, after.settings))
    releases = tuple(
        _release(service, before.releases.get(service, ""), hash_, files.get(service, ({}, {})))
        for service, hash_ in sorted(after.releases.items())
        if before.releases.get(service) != hash_
    )
    risks = [each.risk for each in settings] + [each.risk for each in releases]
    return Difference(
        settings=settings,
        releases=releases,
        risk=max(risks, key=lambda risk: risk.rank, default=Risk.LOW),
    )


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[SettingDifference]:
    old, new = dict(_flat(before)), dict(_flat(after))
    described = dict(_described())
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        explanation = explain(key)
        meaning, unit = described.get(without_service(key), ("", None))
        yield SettingDifference(
            key=key,
            before=old.get(key),
            after=new.get(key),
            unit=unit,
            meaning=meaning or "Feature flag." if key.startswith("flags.") else meaning,
            risk=explanation.risk,
            touches=explanation.touches,
        )


def _flat(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every key of every table; a flag is one key, whatever it is made of."""
    for table, values in settings.items():
        for key, value in values.items():
            if table == "services":
                yield from ((f"{table}.{key}.{inner}", each) for inner, each in value.items())
            else:
                yield f"{table}.{key}", value


def _described() -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Yield meaning and unit of every key, from the same declarations as the schema."""
    tables = {name: each.annotation for name, each in SnapshotSettings.model_fields.items()}
    for table, model in (tables | {"services": ServiceSettings}).items():
        for key, declared in getattr(model, "model_fields", {}).items():
            extra = declared.json_schema_extra
            unit = extra.get("unit") if isinstance(extra, dict) else None
            yield f"{table}.{key}", (declared.description or "", unit)


def _release(
    service: str, before: str, after: str, files: tuple[Files, Files]
) -> ReleaseDifference:
    old, new = files
    added = sorted(name for name in new.keys() - old.keys() if served(name))
    removed = sorted(name for name in old.keys() - new.keys() if served(name))
    changed = sorted(
        name for name in old.keys() & new.keys() if old[name] != new[name] and served(name)
    )
    touched = [*added, *removed, *changed]
    areas = _areas(touched) if service == IDENTITY else service_areas(service, len(touched))
    known = bool(old) and bool(new)
    return ReleaseDifference(
        service=service,
        before=before,
        after=after,
        added=tuple(added[:_NAMES_MAX]),
        removed=tuple(removed[:_NAMES_MAX]),
        changed=tuple(changed[:_NAMES_MAX]),
        files=len(touched),
        migrations=tuple(name for name in added if is_migration(name)),
        areas=areas,
        risk=max((area.risk for area in areas), key=lambda risk: risk.rank, default=Risk.LOW)
        if known
        else Risk.HIGH,
    )


def _areas(names: list[str]) -> tuple[Area, ...]:
    """Return the parts of the service that files belong to, the riskiest first."""
    found: dict[str, Area] = {}
    for name in names:
        area = area_of(name)
        counted = found.get(area.name, area)
        found[area.name] = counted.with_file()
    return tuple(sorted(found.values(), key=lambda area: (-area.risk.rank, area.name)))
