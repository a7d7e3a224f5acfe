"""What is known about the system that a proposal is for, and that no settings file can say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ostiary.changes.load.known import NO_LOAD_KNOWN, KnownLoad
from ostiary.changes.snapshot_settings import SnapshotSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A running system as the check sees it; what is not known is None.

    `last_good` are the settings that users are served with. A file that is checked by itself, in
    somebody's own pipeline, has no such surroundings: rules that compare have nothing to say then.
    `today` is the date in UTC, from which on a deprecated key may be refused. `load` is what was
    measured and counted of the load. `issuer` is the address that stands in tokens now.
    `seconds_until_claimable` says by signature algorithm when a new snapshot could sign with it;
    one that is missing has no key that waits.
    """

    last_good: SnapshotSettings | None = None
    today: date | None = None
    load: KnownLoad = NO_LOAD_KNOWN
    issuer: str | None = None
    seconds_until_claimable: Mapping[str, float] | None = None


NOTHING_KNOWN = Surroundings()
