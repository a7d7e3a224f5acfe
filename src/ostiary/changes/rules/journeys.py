"""Rules about `[guard.journeys]` as a whole: names, numbers, and what a journey vouches for."""

import difflib
import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.edge.route_classes import STRATA
from ostiary.kernel.settings import KeyPath, dotted
from ostiary.kernel.toml_values import toml_text
from ostiary.watch.own_journeys.settings import JOURNEYS_MAX, STEPS_MAX, StepSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_STEP_NAME_CHARACTERS_MAX = 80


def key_of(journey: str, *inside: str | int) -> KeyPath:
    """Return the key of a journey, or of something in it."""
    return ("guard", "journeys", journey, *inside)


def steps_of(configuration: Configuration) -> Iterator[tuple[KeyPath, StepSettings]]:
    """Yield every step of every journey with its key."""
    for name, journey in configuration.guard.journeys.items():
        for position, step in enumerate(journey.steps):
            yield key_of(name, "steps", position), step


def journeys_are_named_plainly(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that reasons and commands could not carry."""
    for name in configuration.guard.journeys:
        if not _NAME.fullmatch(name):
            yield Finding(
                key_of(name),
                "journey_name",
                f"`{dotted(key_of(name))}` is no name for a journey.",
                "Use up to 64 of `a` to `z`, digits, `_` and `-`, a letter or digit first.",
            )


def journeys_are_bounded(configuration: Configuration) -> Iterator[Finding]:
    """Object to more than a rehearsal can wait for, and to journeys that try nothing."""
    journeys = configuration.guard.journeys
    if len(journeys) > JOURNEYS_MAX:
        yield Finding(
            ("guard", "journeys"),
            "journeys_too_many",
            f"There are {len(journeys)} journeys of your own; there can be {JOURNEYS_MAX}.",
            "Join journeys that try the same, or remove some.",
        )
    for name, journey in journeys.items():
        key = key_of(name, "steps")
        if not journey.steps:
            yield Finding(
                key,
                "journey_empty",
                f"`{dotted(key)}` is empty: a journey without steps tries nothing.",
                f"Add a table `[[{dotted(key)}]]` for each step, or remove the journey.",
            )
        elif len(journey.steps) > STEPS_MAX:
            yield Finding(
                key,
                "journey_too_long",
                f"`{dotted(key)}` has {len(journey.steps)} steps; it can have {STEPS_MAX}.",
                "Divide it into several journeys.",
            )


def steps_have_names_of_their_own(configuration: Configuration) -> Iterator[Finding]:
    """Object to steps that a failure could not name."""
    for name, journey in configuration.guard.journeys.items():
        first: dict[str, int] = {}
        for position, step in enumerate(journey.steps):
            key = key_of(name, "steps", position, "name")
            usual = step.name.isprintable() and len(step.name) <= _STEP_NAME_CHARACTERS_MAX
            if not step.name.strip() or not usual:
                yield Finding(
                    key,
                    "step_name",
                    f"`{dotted(key)}` is no name for a step.",
                    f"Write what the step tries, in up to {_STEP_NAME_CHARACTERS_MAX} characters, "
                    'such as `name = "refused with another secret"`.',
                )
            elif step.name in first:
                yield Finding(
                    key,
                    "step_name_twice",
                    f"Two steps of the journey {name} have the name `{step.name}`; the other one "
                    f"is step {first[step.name] + 1}.",
                    "Give each step a name of its own, by which people find it.",
                )
            first.setdefault(step.name, position)


def journeys_vouch_for_known_routes(configuration: Configuration) -> Iterator[Finding]:
    """Object to classes of routes that the edge does not know."""
    for name, journey in configuration.guard.journeys.items():
        route = journey.vouches_for
        if route is not None and route not in STRATA:
            near = difflib.get_close_matches(route, STRATA, 1)
            said = f"; did you mean `{near[0]}`?" if near else "."
            yield Finding(
                key_of(name, "vouches_for"),
                "route_class_unknown",
                f"`{dotted(key_of(name, 'vouches_for'))}` is `{toml_text(route)}`, which is no "
                f"class of routes{said}",
                f"Write one of {', '.join(f'`{each}`' for each in STRATA)}.",
            )
