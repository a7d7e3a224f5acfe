"""Rules about `[guard]`: steps and times."""

import itertools
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding


def steps_rise_to_everyone(configuration: Configuration) -> Iterator[Finding]:
    """Object to steps that do not rise, or that end before every user has the new version."""
    guard = configuration.guard
    examples = {"steps": "[1, 5, 25, 50, 100]", "flag_steps": "[100]"}
    for key, steps in (("steps", guard.steps), ("flag_steps", guard.flag_steps)):
        rising = all(a < b for a, b in itertools.pairwise(steps))
        if not rising or steps[-1] != 100:  # noqa: PLR2004 - percent
            yield Finding(
                ("guard", key),
                "steps_not_rising_to_100",
                f"`guard.{key}` is {list(steps)}; shares must rise and end with 100.",
                f"Write for example `{key} = {examples[key]}`.",
            )


def changes_have_time_for_all_steps(configuration: Configuration) -> Iterator[Finding]:
    """Object to a limit at which every healthy change would be held."""
    guard = configuration.guard
    count = max(len(guard.steps), len(guard.flag_steps))
    needed = guard.step_seconds_min * count
    if guard.held_after_seconds < needed:
        yield Finding(
            ("guard", "held_after_seconds"),
            "held_before_last_step",
            f"`guard.held_after_seconds` is {guard.held_after_seconds:g}, but {count} "
            f"steps of {guard.step_seconds_min:g} s take at least {needed:g}.",
            f"Write at least `held_after_seconds = {needed:g}`, or shorter steps.",
        )
