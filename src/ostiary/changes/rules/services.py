"""Rules about `[services]`: names, health, and which paths belong to whom."""

import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.kinds import SERVICES_ALONE, kinds_of
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.service_change import (
    APART_HINT,
    FIXED_HINT,
    apart_words,
    fixed_keys,
    fixed_words,
)
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.route_classes import IDENTITYS, SERVICES_MAX
from ostiary.kernel.settings import KeyPath, dotted
from ostiary.kernel.toml_values import toml_text

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TAKEN = frozenset({"identity", "edge", "flags", "guard", "ostiary", "services", "watch"})
_PART = re.compile(r"[A-Za-z0-9._~-]+")
_HEALTH = re.compile(r"/[A-Za-z0-9._~/-]*")


def key_of(service: str, *inside: str | int) -> KeyPath:
    """Return the key of a service, or of something in it."""
    return ("services", service, *inside)


def services_are_named_plainly(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that counters and processes could not carry, and to those that are taken."""
    for name in configuration.snapshot_settings.services:
        if not _NAME.fullmatch(name):
            yield Finding(
                key_of(name),
                "service_name",
                f"`{dotted(key_of(name))}` is no name for a service.",
                "Use up to 32 of `a` to `z`, digits and `_`, a letter first, such as "
                "`[services.orders]`.",
            )
        elif name in _TAKEN:
            yield Finding(
                key_of(name),
                "service_name_taken",
                f"No other service can be called {name}: the name is taken.",
                "Write the settings of the login service into `[identity]`."
                if name == "identity"
                else "Give it the name of what it does, such as `[services.orders]`.",
            )


def services_are_few(configuration: Configuration) -> Iterator[Finding]:
    """Object to more services than the edge's counters are made for."""
    count = len(configuration.snapshot_settings.services)
    if count > SERVICES_MAX:
        yield Finding(
            ("services",),
            "services_too_many",
            f"There are {count} services beside identity; there can be {SERVICES_MAX}.",
            "Remove some, or run them behind a service that passes requests on.",
        )


def routes_are_paths(configuration: Configuration) -> Iterator[Finding]:
    """Object to what could not be compared with the path of a request."""
    for name, position, route in _routes(configuration):
        if not is_prefix(route):
            yield Finding(
                key_of(name, "routes", position),
                "route_not_a_path",
                f"`{dotted(key_of(name, 'routes', position))}` is {toml_text(route)}, which is no "
                "path that a service can have.",
                'Begin with a slash and end without one, such as "/orders"; escapes, `*` and a '
                "query cannot stand in it, and `/` alone is identity's.",
            )


def routes_are_not_identitys(configuration: Configuration) -> Iterator[Finding]:
    """Object to paths by which people sign in, and to those that the edge hides."""
    for name, position, route in _routes(configuration):
        first = route.split("/")[1] if is_prefix(route) else ""
        if first.lower() in IDENTITYS:
            yield Finding(
                key_of(name, "routes", position),
                "route_is_identitys",
                f"The service {name} cannot have {route}: all below /{first} belongs to the login "
                "service.",
                f'Choose another path, such as "/{name.replace("_", "-")}".',
            )


def routes_do_not_overlap(configuration: Configuration) -> Iterator[Finding]:
    """Object to two routes of which one holds the other: nobody could tell whose a request is."""
    earlier: list[tuple[str, str]] = []
    for name, position, route in _routes(configuration):
        for other, taken in earlier:
            if f"{route}/".startswith(f"{taken}/") or f"{taken}/".startswith(f"{route}/"):
                whose = "of the same service" if other == name else f"of the service {other}"
                how = "is the same as" if route == taken else "overlaps with"
                yield Finding(
                    key_of(name, "routes", position),
                    "routes_overlap",
                    f"The route {route} of the service {name} {how} {taken} {whose}.",
                    "Give each path to one service, and name it once.",
                )
                break
        earlier.append((name, route))


def health_is_a_path(configuration: Configuration) -> Iterator[Finding]:
    """Object to what Envoy and the guard could not ask for."""
    for name, service in configuration.snapshot_settings.services.items():
        if not _HEALTH.fullmatch(service.health):
            yield Finding(
                key_of(name, "health"),
                "health_not_a_path",
                f"`{dotted(key_of(name, 'health'))}` is {toml_text(service.health)}, which is no "
                "path.",
                'Write the path alone, such as `health = "/health"`, without host and query.',
            )


def services_stay(configuration: Configuration, surroundings: Surroundings) -> Iterator[Finding]:
    """Object to other services than those that run, and to other paths for them."""
    if surroundings.last_good is None:
        return
    proposed, current = (
        settings.to_snapshot()["services"]
        for settings in (configuration.snapshot_settings, surroundings.last_good)
    )
    for name in fixed_keys(proposed, current):
        path: KeyPath = tuple(name.split("."))
        key = path if path[1] in proposed else ("services",)
        yield Finding(key, "services_fixed", fixed_words(f"`{name}`"), FIXED_HINT)


def services_change_alone(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to a file that changes services together with what people sign in by."""
    if surroundings.last_good is None:
        return
    # Releases do not stand in a file: with none, what differs are the settings.
    proposed, current = (
        Snapshot.of({}, settings.to_snapshot())
        for settings in (configuration.snapshot_settings, surroundings.last_good)
    )
    if fixed_keys(proposed.settings["services"], current.settings["services"]):
        return
    kinds = kinds_of(current, proposed)
    services = tuple(
        name
        for name in proposed.settings["services"]
        if proposed.settings["services"][name] != current.settings["services"][name]
    )
    if services and kinds != SERVICES_ALONE:
        words = apart_words(services, kinds)
        yield Finding(key_of(services[0]), "services_apart", words, APART_HINT)


def _routes(configuration: Configuration) -> Iterator[tuple[str, int, str]]:
    for name, service in configuration.snapshot_settings.services.items():
        for position, route in enumerate(service.routes):
            yield name, position, route


def is_prefix(route: str) -> bool:
    """Return whether a route can be compared with the path of a request."""
    start, *parts = route.split("/")
    return start == "" and all(_PART.fullmatch(part) and part.strip(".") for part in parts)
