"""Rules about how requests are spread over replicas: `[edge] balancer` and `weights`."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding


def weights_are_one_for_each_replica(configuration: Configuration) -> Iterator[Finding]:
    """Object to a seat without a weight, and to a weight without a seat."""
    settings = configuration.snapshot_settings
    weights, replicas = settings.edge.weights, settings.identity.replicas
    if weights and len(weights) != replicas:
        yield Finding(
            ("edge", "weights"),
            "weights_not_one_each",
            f"`edge.weights` has {_counted(len(weights), 'weight')}, but `identity.replicas` is "
            f"{replicas}.",
            f"Write one weight for each replica, for example `weights = {[1] * replicas}`, or "
            "remove `weights` for equal ones.",
        )


def nobody_has_no_weight(configuration: Configuration) -> Iterator[Finding]:
    """Object to a weight of 0: the edge would still ask that replica when others fail."""
    if 0 in configuration.snapshot_settings.edge.weights:
        yield Finding(
            ("edge", "weights"),
            "weight_is_zero",
            "`edge.weights` holds a 0, but every replica gets requests.",
            "Write at least 1. To do without a replica, lower `identity.replicas`.",
        )


def random_takes_no_weights(configuration: Configuration) -> Iterator[Finding]:
    """Object to weights that the balancer would pass over (Envoy, load balancing policies)."""
    edge = configuration.snapshot_settings.edge
    if edge.balancer == "random" and len(set(edge.weights)) > 1:
        yield Finding(
            ("edge", "weights"),
            "weights_passed_over",
            f"`edge.weights` is {list(edge.weights)}, but `random` takes no heed of weights.",
            'Write `balancer = "round_robin"`, or remove `weights`.',
        )


def capacities_are_one_for_each_replica(configuration: Configuration) -> Iterator[Finding]:
    """Object to a list of capacities that leaves open which replica is meant."""
    settings = configuration.snapshot_settings
    capacity, replicas = settings.edge.capacity, settings.identity.replicas
    if isinstance(capacity, tuple) and len(capacity) != replicas:
        yield Finding(
            ("edge", "capacity"),
            "capacities_not_one_each",
            f"`edge.capacity` has {_counted(len(capacity), 'number')}, but `identity.replicas` is "
            f"{replicas}.",
            "Write one number for all replicas, or a list with one for each.",
        )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
