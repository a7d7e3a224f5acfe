"""What a change touches, told from the two snapshots that it lies between.

A change of flags alone keeps every line of code and every other setting. So it may go faster than
others, see `Pacing.at_pace_of`.
"""

from enum import StrEnum

from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.hashing import canonical_json
from ostiary.runtime.ports import IDENTITY


class Kind(StrEnum):
    """One part of a snapshot. A change has one or more, in this order.

    The release of identity is `RELEASES`; those of other services belong to `SERVICES`.
    """

    RELEASES = "releases"
    IDENTITY = "identity"
    FLAGS = "flags"
    EDGE = "edge"
    SERVICES = "services"


FLAGS_ALONE = (Kind.FLAGS,)
"""The kinds of a flip: a change in which nothing but flags differs."""

SERVICES_ALONE = (Kind.SERVICES,)
"""The kinds of a change in which nothing but services beside identity differs."""


def kinds_of(before: Snapshot, after: Snapshot) -> tuple[Kind, ...]:
    """Return what differs between two snapshots; nothing between a snapshot and itself.

    What a newer or older version keeps under a name that this one does not know counts as
    identity's: what is not understood must not be taken for a mere flag.
    """
    differing = {
        name
        for name in {*before.settings, *after.settings}
        # As the hash sees it: to Python 1 and true are equal.
        if canonical_json(before.settings.get(name)) != canonical_json(after.settings.get(name))
    }
    names = before.releases.keys() | after.releases.keys()
    for name in names:
        if before.releases.get(name) != after.releases.get(name):
            differing.add(Kind.RELEASES if name == IDENTITY else Kind.SERVICES)
    known = set(Kind)
    if differing - known:
        differing.add(Kind.IDENTITY)
    return tuple(kind for kind in Kind if kind in differing)
