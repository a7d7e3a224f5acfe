"""Judging the form of the edge once, not its addresses each time.

A replica that dies or joins changes addresses and nothing else. Envoy's validation does not reach
out to addresses, so it would say the same again, and a rollback would wait for it to say so.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count

from ostiary.edge.model import EdgeModel, Endpoint


class FormCheck:
    """A check of edge models that shows `check` a model with one endpoint for each kind."""

    def __init__(self, check: Callable[[EdgeModel], None]) -> None:
        """Use `check`, which remembers what it has accepted."""
        self._check = check

    def __call__(self, model: EdgeModel) -> None:
        """Return when the model's form is taken; raises what `check` raises."""
        self._check(form_of(model))


def form_of(model: EdgeModel) -> EdgeModel:
    """Return the model with placeholders: models that differ in addresses only have one form."""
    numbers = count(1)
    canary = model.canary
    if canary is not None:
        canary = replace(canary, endpoints=_placeholders(canary.endpoints, numbers))
    return replace(model, stable=_placeholders(model.stable, numbers), canary=canary)


def _placeholders(endpoints: Iterable[Endpoint], numbers: Iterable[int]) -> tuple[Endpoint, ...]:
    kinds = sorted({(endpoint.host, endpoint.weight) for endpoint in endpoints})
    # A host keeps its kind of address; names and ports are numbered, since two must not be alike.
    return tuple(
        Endpoint(f"form-{number}", host, port=number, health_port=number, weight=weight)
        for (host, weight), number in zip(kinds, numbers, strict=False)
    )
