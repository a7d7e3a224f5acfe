"""The composition root of the verdict service."""

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import load_configuration
from ostiary.changes.guard_settings import GuardSettings
from ostiary.changes.rules.edge import split_listen
from ostiary.changes.verdict_settings import VerdictSettings
from ostiary.guard.operators.registry import Registry
from ostiary.guard.verdicts import process
from ostiary.guard.verdicts.api import create_api
from ostiary.guard.verdicts.service import Verdicts
from ostiary.guard.verdicts.telling import Rollout
from ostiary.guard.verdicts.trying import Tools
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.kernel.settings import SettingsError
from ostiary.runtime import guard_lock
from ostiary.runtime.unusable import not_usable

JOURNAL = "verdicts.db"
_KEYS = ("guard.verdicts", "guard.journeys", "guard.operators")


def serve(config: Path, data: Path, *, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve verdicts until a signal comes; `ready` is told the address and the rollouts.

    Raises `UsageError` for a directory or address that cannot be used, `SettingsError` with every
    problem of the file's part that counts here.
    """
    guard, verdicts = _settings(config)
    address = split_listen(verdicts.listen)
    assert address is not None  # noqa: S101 - a rule has seen to it
    rollouts = rollouts_of(guard, verdicts)
    _prepare(data)
    clock = SystemClock()
    with guard_lock.acquire(data), closing(Journal(data / JOURNAL, clock)) as journal:
        service = Verdicts(rollouts, journal, clock)
        registry = Registry.of(guard, data.stat().st_uid)
        told = {"url": f"http://{verdicts.listen}", "rollouts": list(rollouts), "pid": os.getpid()}
        asyncio.run(
            process.serve(
                service,
                create_api(service, registry),
                address=address,
                data=data,
                tools=Tools(clock, SystemRandom(), dict(os.environ)),
                ready=lambda: ready(told),
            )
        )


def rollouts_of(guard: GuardSettings, verdicts: VerdictSettings) -> dict[str, Rollout]:
    """Return the rollouts of the settings, each with the journeys that it names."""
    return {
        name: Rollout(name, each, {journey: guard.journeys[journey] for journey in each.journeys})
        for name, each in verdicts.rollouts.items()
    }


def _settings(config: Path) -> tuple[GuardSettings, VerdictSettings]:
    """Return the settings in which nothing is wrong that counts here; the rest is not used."""
    configuration = load_configuration(config)
    problems = [
        each for each in check_configuration(configuration) if (each.key or "").startswith(_KEYS)
    ]
    if problems:
        raise SettingsError(problems)
    guard = configuration.guard
    if guard.verdicts is None:
        raise UsageError(
            "verdicts_not_set",
            f"{config} has no table [guard.verdicts].",
            hint="Write `listen` and `[guard.verdicts.rollouts.NAME]` into it.",
        )
    return guard, guard.verdicts


def _prepare(data: Path) -> None:
    """Make the directory where it is missing; refuse that of a guard."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise not_usable(data, error) from error
    if (data / "layout.json").exists():
        raise UsageError(
            "data_directory_of_guard",
            f"{data} is the data directory of a login service and its guard.",
            hint="Name another one with --data: the verdict service keeps its own journal.",
        )
