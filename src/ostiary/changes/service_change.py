"""What a change of other services asks for: by itself, and while they run on."""

from collections.abc import Mapping
from typing import Any

from ostiary.changes.kinds import SERVICES_ALONE, Kind, kinds_of
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.hashing import canonical_json
from ostiary.runtime.ports import IDENTITY

FIXED_KEYS = ("routes", "strip_prefix", "runtime")
"""Keys of a service by which others find it, and by whom it is run; a change cannot alter them."""

FIXED_HINT = (
    "Stop with `ostiary down`, edit the settings file or the release, and start with `ostiary up "
    "--config FILE`. Everything else of a service can be changed while it runs."
)
"""What can be done where a change cannot."""

APART_HINT = "Propose one after the other: each goes through its stages, and rolls back, alone."
"""What can be done where one change would touch too much."""


def service_settings(snapshot: Snapshot, service: str) -> ServiceSettings:
    """Return the settings of a service; a key that is younger than the snapshot has its default."""
    table = snapshot.settings["services"][service]
    return ServiceSettings.model_validate_json(canonical_json(table))


def same_service(new: Snapshot, old: Snapshot, service: str) -> bool:
    """Return whether two snapshots say the same of a service, which both have.

    A key that is younger than one of them has its default there.
    """
    if any(service not in _tables(each) for each in (new, old)):
        return False
    # What somebody else runs has no release, in either of the two.
    same_release = new.releases.get(service) == old.releases.get(service)
    return same_release and service_settings(new, service) == service_settings(old, service)


def changed_services(after: Snapshot, before: Snapshot) -> tuple[str, ...]:
    """Return the services beside identity of which two snapshots do not say the same, sorted."""
    names = {*_tables(after), *_tables(before), *after.releases, *before.releases} - {IDENTITY}
    return tuple(sorted(name for name in names if not same_service(after, before, name)))


def services_of_change(after: Snapshot, before: Snapshot) -> tuple[str, ...]:
    """Return the services that a change touches where it touches nothing else; else none.

    None either where one comes or goes: check refuses that, and it has no routes in one of the two.
    """
    if _tables(after).keys() != _tables(before).keys():
        return ()
    return changed_services(after, before) if kinds_of(before, after) == SERVICES_ALONE else ()


def fixed_words(what: str) -> str:
    """Return why a change of what others find a service by is refused."""
    return f"The proposal changes {what}, which a running system cannot change."


def apart_words(services: tuple[str, ...], kinds: tuple[Kind, ...]) -> str:
    """Return why a change of services is refused that touches something else as well."""
    listed = ", ".join(f"`services.{name}`" for name in services)
    others = ", ".join(_OTHERS[kind] for kind in kinds if kind is not Kind.SERVICES)
    return f"The proposal changes {listed} together with {others}."


_OTHERS: Mapping[Kind, str] = {
    Kind.RELEASES: "identity's release",
    Kind.IDENTITY: "`[identity]`",
    Kind.FLAGS: "`[flags]`",
    Kind.EDGE: "`[edge]`",
}


def fixed_keys(proposed: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what two tables `[services]` differ in and a running system cannot change.

    A service that comes or goes is named as `services.NAME`, a key as `services.NAME.KEY`.
    """
    found = []
    for name in sorted({*proposed, *current}):
        if name not in proposed or name not in current:
            found.append(f"services.{name}")
            continue
        new, old = (
            ServiceSettings.model_validate_json(canonical_json(each[name]))
            for each in (proposed, current)
        )
        found += [
            f"services.{name}.{key}" for key in FIXED_KEYS if getattr(new, key) != getattr(old, key)
        ]
    return tuple(found)


def require_changeable_services(proposed: Snapshot, current: Snapshot) -> None:
    """Raise `RefusedError` where one change cannot do to services what is proposed.

    With `services_fixed` where one comes, goes or moves to other paths, with `services_apart` where
    anything besides services differs.
    """
    fixed = fixed_keys(_tables(proposed), _tables(current))
    if fixed:
        listed = ", ".join(f"`{each}`" for each in fixed)
        raise RefusedError("services_fixed", fixed_words(listed), hint=FIXED_HINT)
    services, kinds = changed_services(proposed, current), kinds_of(current, proposed)
    if services and kinds != SERVICES_ALONE:
        raise RefusedError("services_apart", apart_words(services, kinds), hint=APART_HINT)


def _tables(snapshot: Snapshot) -> Mapping[str, Any]:
    tables: Mapping[str, Any] = snapshot.settings.get("services", {})
    return tables
