"""Rules about `[guard]`: steps and times."""

import itertools
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding


def steps_rise_to_everyone(configuration: Configuration) -> Iterator[Finding]:
    """Object to steps that do not rise, or that end before every user has the new version."""
    steps = configuration.guard.steps
    rising = all(a < b for a, b in itertools.pairwise(steps))
    if not rising or steps[-1] != 100:  # noqa: PLR2004 - percent
        yield Finding(
            ("guard", "steps"),
            "steps_not_rising_to_100",
            f"`guard.steps` is {list(steps)}; shares must rise and end with 100.",
            "Write for example `steps = [1, 5, 25, 50, 100]`.",
        )


def changes_have_time_for_all_steps(configuration: Configuration) -> Iterator[Finding]:
    """Object to a limit at which every healthy change would be held."""
    guard = configuration.guard
    needed = guard.step_seconds_min * len(guard.steps)
    if guard.held_after_seconds < needed:
        yield Finding(
            ("guard", "held_after_seconds"),
            "held_before_last_step",
            f"`guard.held_after_seconds` is {guard.held_after_seconds:g}, but {len(guard.steps)} "
            f"steps of {guard.step_seconds_min:g} s take at least {needed:g}.",
            f"Write at least `held_after_seconds = {needed:g}`, or shorter steps.",
        )
