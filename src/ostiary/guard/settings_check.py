"""Checking a settings file beside the running system, for `ostiary check`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostiary.changes.check_report import report_on
from ostiary.guard.parts import GuardParts
from ostiary.guard.surroundings_of import surroundings_of
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import UsageError


async def check_settings(body: Mapping[str, Any], parts: GuardParts) -> dict[str, Any]:
    """Return what `ostiary check` shows, and the snapshot that the file was compared with.

    Raises `UsageError` where there is no readable file.
    """
    if not body.get("config"):
        raise UsageError("config_missing", "No settings file was named to be checked.")
    path, surroundings = Path(str(body["config"])), await surroundings_of(parts)
    report = await in_thread(lambda: report_on(path, surroundings))
    return report.to_json() | {"compared_with": parts.plane.last_good}
