"""Who comes when: the plan of a traffic run, decided before it begins.

Arrivals are an open loop: users come whether or not those before them were served. Each arrival
has a slot of 1/rate seconds and comes at a random moment in it, so the rate is exact and still no
two gaps are alike. All users come equally often, in an order that the seed decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import write_atomically
from ostiary.kernel.ids import Random, SeededRandom

_OTHERS_MAY_READ = 0o077
NETWORKS_MAX = 10_000
"""From how many networks an attack can come."""


class Person(BaseModel):
    """One user: the name by which the ledger knows them, and what they sign in with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    email: str
    password: str = Field(repr=False)
    roles: tuple[str, ...] = ()
    application: str | None = None
    """The client that this person signs in to; None for the plan's own."""
    looks: int | None = Field(None, ge=1, le=100)
    """How often this person looks at the own orders in a visit; None for the plan's habit."""


class Application(BaseModel):
    """The client that the users sign in to. A public client has no secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str
    client_secret: str | None = Field(None, repr=False)
    redirect_uri: str
    audience: str


class Habits(BaseModel):
    """Which share of visits does what beside signing in; each between 0 and 1.

    Whoever orders looks at the own orders `looks` times.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wrong_password: float = Field(0.02, ge=0, le=1)
    refresh: float = Field(0.25, ge=0, le=1)
    introspect: float = Field(0.25, ge=0, le=1)
    forged_token: float = Field(0.02, ge=0, le=1)
    orders: float = Field(0.0, ge=0, le=1)
    looks: int = Field(1, ge=1, le=100)


class Attack(BaseModel):
    """Visits that are no users': each tries one wrong password for the account of its person.

    They come from `networks` networks in turn, addresses of the loopback interface that lie in a
    range of their own each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    networks: int = Field(ge=1, le=NETWORKS_MAX)


class TrafficPlan(BaseModel):
    """One run. `rate` is in sign-ins per second, times are in seconds.

    With an `attack`, those who come are not users but somebody in their name. Users come from
    `from_address`, an own address of this machine, where that matters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    issuer: str
    application: Application
    others: tuple[Application, ...] = ()
    people: tuple[Person, ...] = Field(min_length=1)
    rate: float = Field(20.0, gt=0, le=1000)
    seconds: float = Field(gt=0, le=86_400)
    seed: int = 0
    timeout_seconds: float = Field(5.0, gt=0, le=60)
    retry: bool = False
    in_flight_max: int = Field(500, ge=1, le=10_000)
    habits: Habits = Habits()
    attack: Attack | None = None
    from_address: str | None = None

    @model_validator(mode="after")
    def _everybody_has_an_application(self) -> "TrafficPlan":
        known = {None, *(each.client_id for each in self.others)}
        if not {person.application for person in self.people} <= known:
            raise ValueError("somebody signs in to an application that is not in the plan")
        return self


@dataclass(frozen=True, slots=True)
class Visit:
    """One arrival: `at` seconds after the start, and what this user does this time."""

    number: int
    at: float
    person: Person = field(repr=False)
    wrong_password: bool
    refresh: bool
    introspect: bool
    forged_token: bool
    orders: bool
    looks: int


def visits_of(plan: TrafficPlan) -> Iterator[Visit]:
    """Yield all visits of a plan in their order; the same plan gives the same visits."""
    rng = SeededRandom(plan.seed)
    habits = plan.habits
    order: list[Person] = []
    for number in range(round(plan.rate * plan.seconds)):
        if not order:
            order = list(plan.people)
            rng.generator.shuffle(order)
        person = order.pop()
        yield Visit(
            number=number,
            at=(number + rng.uniform()) / plan.rate,
            person=person,
            wrong_password=rng.uniform() < habits.wrong_password,
            refresh=rng.uniform() < habits.refresh,
            introspect=rng.uniform() < habits.introspect,
            forged_token=rng.uniform() < habits.forged_token,
            # Drawn only where it matters, so that other plans have the visits they always had.
            orders=habits.orders > 0 and rng.uniform() < habits.orders,
            looks=person.looks or habits.looks,
        )


def invent_people(
    count: int,
    rng: Random,
    *,
    domain: str = "drill.invalid",
    roles: tuple[str, ...] = ("member",),
) -> list[Person]:
    """Return new users with secret passwords; their accounts are still to be created.

    The addresses are always the same for a domain, so that a fault which goes by the address hits
    the same users in every run.
    """
    return [
        Person(
            name=f"u-{number:04}",
            email=f"user-{number:04}@{domain}",
            password=rng.token(12),
            roles=roles,
        )
        for number in range(count)
    ]


def write_plan(path: Path, plan: TrafficPlan) -> None:
    """Write a plan for the traffic process; it holds passwords, so only its owner may read it."""
    write_atomically(path, plan.model_dump_json().encode(), mode=0o600)


def read_plan(path: Path) -> TrafficPlan:
    """Read a plan; raises `UsageError` where it is missing, wrong, or readable by others."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            "plan_not_readable", f"Cannot read the plan {path}: {error.strerror}."
        ) from error
    if mode & _OTHERS_MAY_READ:
        raise UsageError(
            "plan_not_private",
            f"{path} holds passwords and can be read by others.",
            hint=f"Run: chmod 600 {path}",
        )
    try:
        return TrafficPlan.model_validate_json(content)
    except ValidationError as error:
        wrong = sorted({".".join(map(str, item["loc"])) or "file" for item in error.errors()})
        raise UsageError(
            "plan_wrong", f"{path} is no plan for traffic: wrong at {', '.join(wrong[:5])}."
        ) from None
