"""What is told of a model that was put into effect."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Applied:
    """A model that every live Envoy has taken.

    `seconds_to_effect` runs from the rename of the routes to the last Envoy's word that it uses
    them, and `seconds_from_call` to the same moment from the call of `apply`. `envoys` says how
    many gave their word; a dead one reads the same files when it is restarted.
    """

    version: str
    seconds_to_effect: float
    envoys: int
    seconds_from_call: float = 0.0
