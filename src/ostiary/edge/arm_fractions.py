"""Which arm a request falls to, by the one number that Envoy draws for it."""

from ostiary.edge.route_classes import Arm
from ostiary.edge.xds import JsonObject

_PARTS = 1_000_000


def arm_fractions(share: float) -> list[tuple[Arm, int | None]]:
    """Return the arms in matching order, each with the upper end of its range in millionths.

    Envoy draws one number per request and compares it on every route that is tried. The ranges
    therefore add up: control is drawn below twice the share, and what canary took is gone by
    then. None means all that is left.
    """
    canary = round(share * _PARTS)
    if canary == 0:
        return [(Arm.STABLE, None)]
    if canary == _PARTS:
        return [(Arm.CANARY, None)]
    if 2 * canary >= _PARTS:
        return [(Arm.CANARY, canary), (Arm.CONTROL, None)]
    return [(Arm.CANARY, canary), (Arm.CONTROL, 2 * canary), (Arm.STABLE, None)]


def drawn_below(upper: int | None) -> JsonObject:
    """Return the part of a route's match that holds for draws below `upper`; None for all."""
    if upper is None:
        return {}
    return {"runtime_fraction": {"default_value": {"numerator": upper, "denominator": "MILLION"}}}
