"""Checking a settings file beside the running system, for `ostiary check`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostiary.changes.check_report import report_on
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.service import GuardParts
from ostiary.kernel.errors import UsageError


def check_settings(body: Mapping[str, Any], parts: GuardParts) -> dict[str, Any]:
    """Return what `ostiary check` shows, and the snapshot that the file was compared with.

    Raises `UsageError` where there is no readable file.
    """
    if not body.get("config"):
        raise UsageError("config_missing", "No settings file was named to be checked.")
    last_good = parts.snapshots.get(parts.plane.last_good)
    served = SnapshotSettings.model_validate(last_good.settings)
    report = report_on(Path(str(body["config"])), Surroundings(last_good=served))
    return report.to_json() | {"compared_with": last_good.id}
