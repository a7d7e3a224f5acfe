"""The settings of a proposal, held against the system that they are proposed for."""

from pathlib import Path
from typing import Any

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import load_configuration
from ostiary.changes.model import Stage
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.service import GuardParts
from ostiary.kernel.settings import SettingsError


async def surroundings_of(parts: GuardParts) -> Surroundings:
    """Return what is known of the running system."""
    last_good = parts.snapshots.get(parts.plane.last_good).settings
    return Surroundings(
        last_good=SnapshotSettings.model_validate(last_good),
        issuer=parts.issuer,
        seconds_until_claimable=await parts.admin.seconds_until_claimable(),
    )


def proposed_settings(path: Path, from_stage: Stage, surroundings: Surroundings) -> dict[str, Any]:
    """Return the tables of a snapshot in a settings file.

    The file is parsed strictly whatever the stage; the rules are asked where the change starts at
    check. Raises `UsageError` where there is no readable file, `SettingsError` with every problem.
    """
    configuration = load_configuration(path)
    if from_stage is Stage.CHECK:
        problems = check_configuration(configuration, surroundings)
        if problems:
            raise SettingsError(problems)
    return configuration.snapshot_settings.to_snapshot()
