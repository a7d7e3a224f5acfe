"""Where one replica answers, and where the guard answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.edge.wellformed import NAME, check_host, check_port, check_text, refused

SEATS_MAX = 128
"""More seats than a group and those who follow its members can take."""

_HIGHEST_WEIGHT = 128


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One replica. `health_port` answers `/live`.

    `seat` is its number in its group, by which it is counted; `weight` its share among its like.
    """

    name: str
    host: str
    port: int
    health_port: int
    weight: int = 1
    seat: int = 0

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.name, NAME, "endpoint name")
        where = f"endpoint {self.name}"
        check_host(self.host, where)
        check_port(self.port, where)
        check_port(self.health_port, f"{where}, health port")
        if not 1 <= self.weight <= _HIGHEST_WEIGHT:
            raise refused(
                f"The weight of {where} is {self.weight}.",
                f"Write a whole number from 1 to {_HIGHEST_WEIGHT}.",
            )
        if not 0 <= self.seat < SEATS_MAX:
            raise refused(
                f"The seat of {where} is {self.seat}.",
                f"Write a whole number from 0 to {SEATS_MAX - 1}.",
            )


@dataclass(frozen=True, slots=True)
class Lease:
    """Where the guard answers for a canary: 200 at `/lease/<change>/<epoch>` while it watches."""

    change: str
    epoch: str
    host: str
    port: int

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.change, NAME, "change of the lease")
        check_text(self.epoch, NAME, "epoch of the lease")
        check_host(self.host, "the lease")
        check_port(self.port, "the lease")

    @property
    def path(self) -> str:
        """The path that Envoy asks for on the guard's lease port."""
        return f"/lease/{self.change}/{self.epoch}"


def check_unique(endpoints: Sequence[Endpoint]) -> None:
    """Raise `RefusedError` where two endpoints have the same name or address."""
    names = [endpoint.name for endpoint in endpoints]
    addresses = [f"{endpoint.host}:{endpoint.port}" for endpoint in endpoints]
    for what, values in (("name", names), ("address", addresses)):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise refused(
                f"Two endpoints have the same {what}, {twice[0]}.",
                f"Give each a {what} of its own.",
            )
