"""What the check is told about the running system."""

from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.parts import GuardParts


async def surroundings_of(parts: GuardParts) -> Surroundings:
    """Return the system that a proposal would change, as of now."""
    last_good = parts.snapshots.get(parts.plane.last_good)
    served = SnapshotSettings.from_snapshot(last_good.settings)
    load = parts.load.known(parts.plane.serving, served)
    return Surroundings(
        last_good=served,
        today=parts.clock.now().date(),
        load=load,
        issuer=parts.issuer,
        seconds_until_claimable=await parts.admin.seconds_until_claimable(),
    )
