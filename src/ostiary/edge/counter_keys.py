"""What the edge's counters are told apart by."""

from dataclasses import dataclass

from ostiary.edge.route_classes import Arm, Served
from ostiary.edge.service_answers import ServiceAnswer
from ostiary.kernel.outcomes import Outcome
from ostiary.kernel.request_kinds import Kind


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """One kind of attempt. `served` says whose replica it went to, `first` which attempt it was.

    `outcome` is what came of it, on routes of other services than identity by status. `kind` is
    what that replica said the request was; None where it named none of its class.
    """

    route_class: str
    arm: Arm
    served: Served
    first: bool
    outcome: Outcome | ServiceAnswer
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The second opinions that were good for subjects in one bucket."""

    route_class: str
    arm: Arm
    bucket: int
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class FinalKey:
    """One kind of final answer; `status` is `2xx` and so on, `broken`, or `none`."""

    route_class: str
    arm: Arm
    status: str


@dataclass(frozen=True, slots=True)
class SeatKey:
    """The attempts of one kind at one seat: `cluster` and `served` say in which group it is."""

    cluster: str
    served: Served
    seat: int
    first: bool
