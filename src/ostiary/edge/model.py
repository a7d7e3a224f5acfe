"""What the edge is to do, as typed values that cannot be built wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.edge.entrance import Entrance
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.wellformed import (
    NAME,
    TOKEN,
    URL,
    VERSION,
    check_host,
    check_port,
    check_text,
    refused,
)

PER_TRY_TIMEOUT_S = 2.0
"""Default seconds that one attempt may take; longer than the longest queue for a password hash."""

ROUTE_TIMEOUT_S = 4.5
"""Default seconds for all attempts together; more than two attempts, so that a hanging canary
still leaves the last good version its full time."""

_HIGHEST_WEIGHT = 128
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One replica. `weight` is its share among its like; `health_port` answers `/live`."""

    name: str
    host: str
    port: int
    health_port: int
    weight: int = 1

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


@dataclass(frozen=True, slots=True)
class CanaryArm:
    """The new version and its share of first attempts, 0 to 1.

    0 lets only pinned journeys reach it; from 0.5 on the control arm is all that is left for the
    last good version; at 1 everything goes to the canary first and there is no control arm.
    Refusals that are `intended` are not asked again of the last good version.
    """

    snapshot: str
    endpoints: tuple[Endpoint, ...]
    share: float
    lease: Lease
    intended: tuple[IntendedRefusal, ...] = ()

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.snapshot, NAME, "canary snapshot")
        if not 0.0 <= self.share <= 1.0:
            raise refused(
                f"The canary's share is {self.share}.", "Write a number from 0 to 1, such as 0.05."
            )
        if not self.endpoints:
            raise refused("The canary has no endpoint.", "Start a replica of it first.")
        _check_unique(self.endpoints)


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """Everything that the edge does at one time. `version` names it in confirmations and logs."""

    version: str
    last_good: str
    stable: tuple[Endpoint, ...]
    canary: CanaryArm | None
    status_url: str
    per_try_timeout_s: float = PER_TRY_TIMEOUT_S
    route_timeout_s: float = ROUTE_TIMEOUT_S

    def __post_init__(self) -> None:
        """Raise `RefusedError` where the parts do not fit together."""
        check_text(self.version, VERSION, "version of the edge model")
        check_text(self.last_good, NAME, "last good snapshot")
        if not self.stable:
            raise refused(
                "No replica of the last good version is given.", "Name at least one endpoint."
            )
        canaries = () if self.canary is None else self.canary.endpoints
        _check_unique((*self.stable, *canaries))
        if self.canary is not None and self.canary.snapshot == self.last_good:
            raise refused(
                f"Canary and last good are the same snapshot, {self.last_good}.",
                "A second opinion needs two versions.",
            )
        if self.status_url and not URL.fullmatch(self.status_url):
            raise refused(
                "The address of the status page is no http or https URL.",
                "Write one such as https://status.example.org, or leave it empty.",
            )
        self._check_timeouts()

    def _check_timeouts(self) -> None:
        if self.per_try_timeout_s <= 0:
            raise refused(
                f"The time-out of one attempt is {self.per_try_timeout_s} s.",
                "Write seconds above 0.",
            )
        if self.route_timeout_s <= 2 * self.per_try_timeout_s:
            raise refused(
                f"The time-out of a request, {self.route_timeout_s} s, leaves no room for a second "
                f"opinion after an attempt of {self.per_try_timeout_s} s.",
                "Write more than twice the time-out of one attempt.",
            )


@dataclass(frozen=True, slots=True)
class EdgePlace:
    """Where the edge runs: its directory, its address, its binary, and the secret of the edge.

    `entrance` is what clients meet at the address. Replicas take a request with the secret in
    `x-ostiary-edge` as coming from the edge.
    """

    directory: Path
    listen_host: str
    listen_port: int
    edge_token: str = field(repr=False)
    envoy_path: Path
    entrance: Entrance = field(default_factory=Entrance)

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant; the token is never shown."""
        check_host(self.listen_host, "the edge")
        check_port(self.listen_port, "the edge")
        if len(self.edge_token) < _SHORTEST_TOKEN or not TOKEN.fullmatch(self.edge_token):
            raise refused(
                "The edge token is too short, or holds a character that a header cannot carry.",
                f"Use at least {_SHORTEST_TOKEN} URL-safe characters.",
            )


def _check_unique(endpoints: Sequence[Endpoint]) -> None:
    names = [endpoint.name for endpoint in endpoints]
    addresses = [f"{endpoint.host}:{endpoint.port}" for endpoint in endpoints]
    for what, values in (("name", names), ("address", addresses)):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise refused(
                f"Two endpoints have the same {what}, {twice[0]}.",
                f"Give each a {what} of its own.",
            )
