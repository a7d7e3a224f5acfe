"""What the composition root makes of `[guard]` alone."""

from pathlib import Path

from ostiary.changes.guard_settings import GuardSettings
from ostiary.guard.operators.registry import Registry


def registry(settings: GuardSettings, data: Path) -> Registry:
    """Return who may ask the guard of a data directory for what."""
    return Registry.of(settings, data.stat().st_uid)


def public_socket(settings: GuardSettings) -> Path | None:
    """Return the path of the socket for operators who cannot open the data directory."""
    return Path(settings.socket) if settings.socket else None
