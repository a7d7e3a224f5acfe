"""Two hundred ways to change a service without harming anybody, each from a number.

A change is an edit of identity's source, or of the settings, or both. What kind it is follows from
its number, so that a few in a row are of all kinds; the rest is drawn from a seed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.healthy.refactoring import rewritten

SETTINGS: dict[str, tuple[object, ...]] = {
    "access_token_seconds": (240, 280, 330, 600),
    "id_token_seconds": (200, 320, 500),
    "code_seconds": (45, 75, 90),
    "refresh_token_seconds": (1_000_000, 1_300_000),
    "session_seconds": (40_000, 50_000, 86_400),
    "session_grace_seconds": (120, 240, 400),
    "leeway_seconds": (4, 6, 8),
    "key_rotation_days": (30, 60, 120),
    "audit_days": (200, 500),
    "hash_queue": (12, 20, 24),
    "threads": (3, 5, 6),
    "database_connections": (8, 12),
    "memory_max_mib": (448, 640),
}
"""Values that an operator may prefer, of keys of `[identity]`."""

SLOWER_BY = 0.05
_REQUEST_MILLISECONDS = 2.5
"""What most requests take; a sign-in takes ten times as long, and so is slower by less."""

_MIDDLEWARE = "ostiary/identity/http/middleware.py"
_STARTED = "        request.context.started = self._clock.monotonic()\n"


@dataclass(frozen=True, slots=True)
class Healthy:
    """One change: what kind it is, the files of a release with their new text, and settings."""

    kind: str
    files: dict[str, str] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)

    def write(self, release: Path) -> None:
        """Put the new texts in a copy of the release."""
        for name, text in self.files.items():
            (release / name).write_text(text)

    def settings_toml(self, guard: str) -> str:
        """Return the settings file, with the guard's own part as it is."""
        lines = [f"{key} = {value}" for key, value in self.settings.items()]
        return "\n".join([guard, "[identity]", *lines, ""])


def healthy_change(number: int, seed: int, release: Path) -> Healthy:
    """Return change `number` of a seed, made from the release in that directory."""
    rng = random.Random(f"{seed}:{number}")
    kinds: list[Callable[[Path, random.Random], Healthy]] = [
        _refactored,
        _with_other_settings,
        _slower,
        _with_other_logs,
    ]
    return kinds[number % len(kinds)](release, rng)


def _refactored(release: Path, rng: random.Random) -> Healthy:
    modules = sorted((release / "ostiary/identity").rglob("*.py"))
    modules = [each for each in modules if "migrations" not in each.parts]
    files: dict[str, str] = {}
    while len(files) < 3:
        module = rng.choice(modules)
        text = rewritten(module.read_text(), rng)
        if text is not None:
            files[str(module.relative_to(release))] = text
    return Healthy(f"refactoring of {', '.join(sorted(files))}", files)


def _slower(release: Path, rng: random.Random) -> Healthy:
    seconds = _REQUEST_MILLISECONDS / 1000 * rng.uniform(0.5, 1.0) * SLOWER_BY
    text = (release / _MIDDLEWARE).read_text()
    waiting = f'{_STARTED}        __import__("time").sleep({seconds:.9f})\n'
    assert text.count(_STARTED) == 1
    return Healthy("slower by 5 %", {_MIDDLEWARE: text.replace(_STARTED, waiting)})


def _with_other_logs(release: Path, rng: random.Random) -> Healthy:
    text = (release / _MIDDLEWARE).read_text()
    word = f"another line {rng.randrange(10**6)}"
    logging = f'{_STARTED}        _LOG.info("{word}", path=request.path)\n'
    assert text.count(_STARTED) == 1
    return Healthy("another log line", {_MIDDLEWARE: text.replace(_STARTED, logging)})


def _with_other_settings(_release: Path, rng: random.Random) -> Healthy:
    keys = rng.sample(sorted(SETTINGS), 3)
    chosen = {key: rng.choice(SETTINGS[key]) for key in keys}
    return Healthy(f"settings {', '.join(sorted(chosen))}", settings=chosen)
