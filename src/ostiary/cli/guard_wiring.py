"""What the composition root makes of `[guard]` alone."""

from pathlib import Path

from ostiary.changes.guard_settings import GuardSettings
from ostiary.changes.pacing import Pacing
from ostiary.guard.operators.registry import Registry


def pacing(settings: GuardSettings) -> Pacing:
    """Return how fast changes may go."""
    return Pacing(
        steps=tuple(step / 100 for step in settings.steps),
        step_seconds_min=settings.step_seconds_min,
        held_after_seconds=settings.held_after_seconds,
        bake_seconds=settings.bake_seconds,
    )


def registry(settings: GuardSettings, data: Path) -> Registry:
    """Return who may ask the guard of a data directory for what."""
    return Registry.of(settings, data.stat().st_uid)


def public_socket(settings: GuardSettings) -> Path | None:
    """Return the path of the socket for operators who cannot open the data directory."""
    return Path(settings.socket) if settings.socket else None
