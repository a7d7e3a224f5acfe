"""What a change of other services asks for: it cannot be made while they run."""

from collections.abc import Iterable

from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.hashing import canonical_json
from ostiary.runtime.ports import IDENTITY


def service_settings(snapshot: Snapshot, service: str) -> ServiceSettings:
    """Return the settings of a service; a key that is younger than the snapshot has its default."""
    table = snapshot.settings["services"][service]
    return ServiceSettings.model_validate_json(canonical_json(table))


def same_service(new: Snapshot, old: Snapshot, service: str) -> bool:
    """Return whether two snapshots say the same of a service, which both have."""
    sides = [
        [each.releases.get(service), each.settings["services"].get(service)] for each in (new, old)
    ]
    return None not in sides[0] and canonical_json(sides[0]) == canonical_json(sides[1])


FIXED_HINT = (
    "Stop with `ostiary down`, edit the settings file or the release, and start with `ostiary up "
    "--config FILE`. Identity can be changed by a file that leaves the services as they are."
)
"""What can be done where a change cannot."""


def fixed_words(what: str) -> str:
    """Return why a change of other services is refused."""
    return f"The proposal changes {what}, which a running system cannot change yet."


def require_same_services(proposed: Snapshot, current: Snapshot) -> None:
    """Raise `RefusedError` where another service than identity differs in anything."""
    names = {
        *proposed.settings["services"],
        *current.settings["services"],
        *proposed.releases,
        *current.releases,
    } - {IDENTITY}
    changed = sorted(name for name in names if not same_service(proposed, current, name))
    if changed:
        raise services_fixed(changed)


def services_fixed(names: Iterable[str]) -> RefusedError:
    """Return the refusal of a change of these services."""
    listed = ", ".join(f"`services.{name}`" for name in names)
    return RefusedError("services_fixed", fixed_words(listed), hint=FIXED_HINT)
