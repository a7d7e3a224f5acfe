"""What a scenario file may say: which outage a drill replays, on what, and what is expected.

Everything but the fault has a default. All shares are between 0 and 1. docs/drills.md lists every
key; `reading` turns a file into these types.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ostiary.drills.scenarios.fault import Fault, FaultKind
from ostiary.drills.scenarios.injected import Database
from ostiary.drills.scenarios.texts import Words
from ostiary.kernel.settings import SettingsTable

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Role = Annotated[str, Field(min_length=1, max_length=64)]

Proof = Literal["second_opinion", "journeys", "load"]
"""What holds a change off that starts at canary, and so what shows that something did.

A change whose failures second opinions hide is void without a hidden failure; one that pinned
journeys end before the first user's share, without a journey that failed; one that drives replicas
past their capacity, without one that was found overloaded.
"""

Counted = Literal["users", "visits"]
"""Of what the affected share is counted: of all users, or of the visits during the fault."""

Cause = Literal[
    "change",
    "database",
    "network",
    "capacity",
    "attack",
    "keys",
    "clock",
    "disk",
    "memory",
    "process",
]
"""What a diagnosis can name. `capacity` is more load than there is room for, wherever it came from;
`process` is a replica, the edge or the guard that ended or keeps ending.
"""

Group = Literal["outages", "conditions"]
"""`outages` are replayed as they happened, `conditions` are injected into a system that is well."""

Harm = Literal["affected_user", "wrong_yes"]
"""What must never happen to users of a guarded system."""


class Outage(SettingsTable):
    """The outage that is replayed, as its report tells it; None where there was none."""

    users_hit: Share
    minutes: int = Field(ge=1, le=100_000)
    suspected: list[Words] = Field([], max_length=10)


class Topology(SettingsTable):
    """The replicas of the drill's own system.

    `capacity` is in sign-ins a second of one replica. Each replica then takes as long for a
    password as a machine of that capacity would, and `[edge] capacity` and `peak` state it; without
    it, a replica is as fast as this machine. With `orders`, the API of the examples serves beside.
    `database` is what the store lies in; a server of its own is started for the drill.
    """

    replicas: int = Field(2, ge=1, le=8)
    capacity: float | None = Field(None, ge=1, le=1_000)
    orders: bool = False
    database: Database = "sqlite"


class FurtherRole(SettingsTable):
    """A role that a share of the users has besides those of everybody.

    `looks` is how often whoever has it looks at the own orders in a visit; None is as everybody.
    """

    role: Role
    share: Share
    looks: int | None = Field(None, ge=1, le=100)


class Users(SettingsTable):
    """Who signs in; `old_hashes` is the share whose password hashes are of earlier settings."""

    count: int = Field(60, ge=1, le=1_000)
    roles: list[Role] = Field(["member"], max_length=20)
    further_roles: list[FurtherRole] = Field([], max_length=10)
    old_hashes: Share = 0.0


class Application(SettingsTable):
    """An application with an audience of its own, and the share of users who sign in to it.

    Users who are left sign in to an application of the default audience.
    """

    name: Name
    share: Share
    audience: Annotated[str, Field(min_length=1, max_length=255)]


class Traffic(SettingsTable):
    """What users do. `rate` is in visits a second; the other shares are of visits.

    The fault is let loose after `visits_before`; traffic goes on for `seconds_after` once the
    change has ended. `orders` is the share that orders by the API of the examples, and looks at the
    own orders `looks` times.
    """

    rate: float = Field(20.0, gt=0, le=200)
    visits_before: int = Field(100, ge=1, le=10_000)
    seconds_after: float = Field(12.0, ge=1, le=600)
    wrong_password: Share = 0.02
    refresh: Share = 0.25
    introspect: Share = 0.25
    forged_token: Share = 0.02
    orders: Share = 0.0
    looks: int = Field(1, ge=1, le=100)


class Expected(SettingsTable):
    """What has to come of it, unguarded and guarded.

    `affected_guarded` is the largest share that may be affected guarded by an injected fault: no
    guard can take back what is no change.
    """

    affected: Share
    affected_guarded: Share = 0.0
    counted: Counted = "users"
    refused_at: Literal["check", "rehearse"] = "rehearse"
    from_canary: Proof = "second_opinion"
    never: list[Harm] = Field(["affected_user", "wrong_yes"], min_length=1)
    cause: Cause = "change"


class ScenarioFile(SettingsTable):
    """One scenario file."""

    title: Words
    outage: Outage | None = None
    topology: Topology = Topology()
    users: Users = Users()
    applications: list[Application] = Field([], max_length=10)
    traffic: Traffic = Traffic()
    fault: Fault
    expected: Expected

    @property
    def group(self) -> Group | None:
        """Return with which others this drill can be run; None where it stands alone."""
        if self.fault.kind is FaultKind.INJECTION:
            return "conditions"
        return None if self.outage is None else "outages"

    @model_validator(mode="after")
    def _fits_together(self) -> "ScenarioFile":
        if sum(each.share for each in self.applications) > 1 + 1e-9:
            raise ValueError("the shares of `applications` are more than 1 together; lower them")
        asks = self.traffic.orders > 0 or self.fault.service == "orders"
        if asks and not self.topology.orders:
            raise ValueError("the orders API does not run; write `orders = true` in `[topology]`")
        for fault in self.fault.inject:
            if fault.database_needed not in {None, self.topology.database}:
                raise ValueError(
                    f"there is no `{fault.kind}` of this kind with another database; write "
                    f'`database = "{fault.database_needed}"` in `[topology]`'
                )
        names = [each.name for each in self.applications]
        if len(set(names)) < len(names):
            raise ValueError("two of `applications` have the same name; give each its own")
        return self
