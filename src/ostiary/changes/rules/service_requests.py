"""Rules about how the edge asks a service: which requests twice, and which replica how often."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.services import is_prefix, key_of
from ostiary.edge.service_model import is_below
from ostiary.kernel.settings import dotted
from ostiary.kernel.toml_values import toml_text


def asked_again_below_a_route(configuration: Configuration) -> Iterator[Finding]:
    """Object to paths that are asked again and can never be this service's."""
    for name, service in configuration.snapshot_settings.services.items():
        for position, path in enumerate(service.ask_again):
            if not is_prefix(path) or not any(is_below(path, each) for each in service.routes):
                key = key_of(name, "ask_again", position)
                yield Finding(
                    key,
                    "asked_again_elsewhere",
                    f"`{dotted(key)}` is {toml_text(path)}, which is no path below a route of the "
                    f"service {name}.",
                    f"Write a route or a path below one: {', '.join(service.routes)}. Escapes, `*` "
                    "and a query cannot stand in it.",
                )


def weights_are_one_for_each_replica(configuration: Configuration) -> Iterator[Finding]:
    """Object to a seat without a weight, and to a weight without a seat."""
    for name, service in configuration.snapshot_settings.services.items():
        weights, replicas = service.weights, service.replicas
        if weights and len(weights) != replicas:
            counted = "1 weight" if len(weights) == 1 else f"{len(weights)} weights"
            yield Finding(
                key_of(name, "weights"),
                "weights_not_one_each",
                f"`{dotted(key_of(name, 'weights'))}` has {counted}, but "
                f"`{dotted(key_of(name, 'replicas'))}` is {replicas}.",
                f"Write one weight for each replica, for example `weights = {[1] * replicas}`, or "
                "remove `weights` for equal ones.",
            )


def nobody_has_no_weight(configuration: Configuration) -> Iterator[Finding]:
    """Object to a weight of 0: the edge would still ask that replica when others fail."""
    for name, service in configuration.snapshot_settings.services.items():
        if 0 in service.weights:
            key = key_of(name, "weights")
            yield Finding(
                key,
                "weight_is_zero",
                f"`{dotted(key)}` holds a 0, but every replica gets requests.",
                f"Write at least 1. To do without a replica, lower "
                f"`{dotted(key_of(name, 'replicas'))}`.",
            )
