"""What is known about the system that a proposal is for, and that no settings file can say."""

from dataclasses import dataclass
from datetime import date

from ostiary.changes.snapshot_settings import SnapshotSettings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A running system as the check sees it; what is not known is None.

    `last_good` are the settings that users are served with, `today` the date in UTC. A file that
    is checked by itself, in somebody's own pipeline, has no surroundings: rules that compare have
    nothing to say then.
    """

    last_good: SnapshotSettings | None = None
    today: date | None = None


NOTHING_KNOWN = Surroundings()
