"""Rules about journeys of a team's own as a whole: names, numbers, and what they vouch for.

They stand in `[guard.journeys]`, or with the service that they try in `[services.NAME.journeys]`.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.edge.route_classes import STRATA
from ostiary.kernel.settings import KeyPath, dotted
from ostiary.kernel.toml_values import toml_text
from ostiary.watch.own_journeys.settings import (
    JOURNEYS_MAX,
    STEPS_MAX,
    JourneySettings,
    StepSettings,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_STEP_NAME_CHARACTERS_MAX = 80


@dataclass(frozen=True, slots=True)
class Written:
    """One journey where it is written; `service` is whose it is, None where it is the guard's."""

    name: str
    journey: JourneySettings
    table: KeyPath
    service: str | None = None

    def key(self, *inside: str | int) -> KeyPath:
        """Return the key of the journey, or of something in it."""
        return (*self.table, self.name, *inside)


def tables_of(
    configuration: Configuration,
) -> Iterator[tuple[KeyPath, str | None, Mapping[str, JourneySettings]]]:
    """Yield every table of journeys with its key, and the service whose it is."""
    yield ("guard", "journeys"), None, configuration.guard.journeys
    for name, service in configuration.snapshot_settings.services.items():
        yield ("services", name, "journeys"), name, service.journeys


def journeys_of(configuration: Configuration) -> Iterator[Written]:
    """Yield every journey of the file."""
    for table, service, journeys in tables_of(configuration):
        for name, journey in journeys.items():
            yield Written(name, journey, table, service)


def steps_of(configuration: Configuration) -> Iterator[tuple[KeyPath, StepSettings]]:
    """Yield every step of every journey with its key."""
    for written in journeys_of(configuration):
        for position, step in enumerate(written.journey.steps):
            yield written.key("steps", position), step


def journeys_are_named_plainly(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that reasons and commands could not carry."""
    for written in journeys_of(configuration):
        if not _NAME.fullmatch(written.name):
            yield Finding(
                written.key(),
                "journey_name",
                f"`{dotted(written.key())}` is no name for a journey.",
                "Use up to 64 of `a` to `z`, digits, `_` and `-`, a letter or digit first.",
            )


def journeys_are_bounded(configuration: Configuration) -> Iterator[Finding]:
    """Object to more than a rehearsal can wait for, and to journeys that try nothing."""
    for table, _, journeys in tables_of(configuration):
        if len(journeys) > JOURNEYS_MAX:
            yield Finding(
                table,
                "journeys_too_many",
                f"There are {len(journeys)} journeys of your own; there can be {JOURNEYS_MAX}.",
                "Join journeys that try the same, or remove some.",
            )
    for written in journeys_of(configuration):
        journey, key = written.journey, written.key("steps")
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
    for written in journeys_of(configuration):
        first: dict[str, int] = {}
        for position, step in enumerate(written.journey.steps):
            key = written.key("steps", position, "name")
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
                    f"Two steps of the journey {written.name} have the name `{step.name}`; the "
                    f"other one is step {first[step.name] + 1}.",
                    "Give each step a name of its own, by which people find it.",
                )
            first.setdefault(step.name, position)


def journeys_vouch_for_known_routes(configuration: Configuration) -> Iterator[Finding]:
    """Object to classes of routes that the edge does not know, and to routes of others."""
    services = configuration.snapshot_settings.services
    for written in journeys_of(configuration):
        service, route = written.service, written.journey.vouches_for
        known = STRATA if service is None else services[service].routes
        if route is not None and route not in known:
            near = difflib.get_close_matches(route, known, 1)
            said = f"; did you mean `{near[0]}`?" if near else "."
            key = written.key("vouches_for")
            what = "class of routes" if service is None else f"route of the service {service}"
            yield Finding(
                key,
                "route_class_unknown",
                f"`{dotted(key)}` is `{toml_text(route)}`, which is no {what}{said}",
                f"Write one of {', '.join(f'`{each}`' for each in known)}.",
            )


def service_journeys_stay_below_its_routes(configuration: Configuration) -> Iterator[Finding]:
    """Object to steps that the service would never see: the edge gives other paths to others."""
    services = configuration.snapshot_settings.services
    for written in journeys_of(configuration):
        if written.service is None:
            continue
        routes = services[written.service].routes
        for position, step in enumerate(written.journey.steps):
            path = step.path.partition("?")[0]
            known = any(f"{path}/".startswith(f"{route}/") for route in routes)
            # A captured location is held against the routes when the step runs.
            if known or not path.startswith("/"):
                continue
            key = written.key("steps", position, "path")
            near = ", ".join(f"`{route}`" for route in routes)
            yield Finding(
                key,
                "path_of_another",
                f"`{dotted(key)}` is not below a route of the service {written.service}.",
                f"Begin with {near}. Where somebody has to be signed in, send "
                "`Bearer {probe.access_token}`.",
            )
