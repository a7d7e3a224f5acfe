"""Faults of processes, keys and clocks, and of traffic.

`injection` has the module that does each of them. Where a fault has `seconds`, that is how long it
stays; a process that was killed is not brought back by the drill when they are over.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ostiary.drills.scenarios.injected import Database, InjectedFault


def _wrong(seconds: int) -> int:
    if seconds == 0:
        raise ValueError("a clock that is right is no fault; write by how many seconds it is wrong")
    return seconds


class ReplicaKilled(InjectedFault):
    """Replicas of the login service end at once, one after the other.

    `count` is how many do, `pause_seconds` how long the drill waits between two.
    """

    kind: Literal["replica_killed"]
    count: int = Field(1, ge=1, le=8)
    pause_seconds: float = Field(5.0, ge=0.1, le=60)


class EnvoyKilled(InjectedFault):
    """Envoys of the edge end at once: one of the two, or both."""

    kind: Literal["envoy_killed"]
    count: int = Field(1, ge=1, le=2)


class GuardKilled(InjectedFault):
    """The guard ends at once. Unguarded nobody starts it again until the fault is removed."""

    kind: Literal["guard_killed"]


class CrashLoop(InjectedFault):
    """Replicas end `lives_seconds` after each of their starts, again and again.

    `count` is how many of the seats it hits, from the first one on.
    """

    kind: Literal["crash_loop"]
    count: int = Field(1, ge=1, le=8)
    lives_seconds: float = Field(0.5, ge=0, le=30)


class MemoryLeak(InjectedFault):
    """Replicas keep `kib_per_request` of every request for ever.

    One that has kept `mib_max` so is killed, as the kernel does where memory has run out. The drill
    starts its replicas with a release that can do that and does not yet, and lets them keep
    `memory_max_mib` beside what password hashes need, instead of the default.
    """

    kind: Literal["memory_leak"]
    kib_per_request: int = Field(256, ge=1, le=8_192)
    mib_max: int = Field(300, ge=20, le=600)
    memory_max_mib: int = Field(192, ge=192, le=1_024)


class KeyExpired(InjectedFault):
    """The signing key is past the time for which it may sign, and no use of it can be noted."""

    kind: Literal["key_expired"]

    @property
    def database_needed(self) -> Database:
        """Return where the drill can reach the key: in a file."""
        return "sqlite"


class KeyUnknown(InjectedFault):
    """The signing key is no longer in the published key set, and no other may take its place."""

    kind: Literal["key_unknown"]

    @property
    def database_needed(self) -> Database:
        """Return where the drill can reach the key: in a file."""
        return "sqlite"


class ClockSkew(InjectedFault):
    """The wall clock of one replica is wrong: ahead, or behind where `skew_seconds` is negative.

    `seat` is which one it is, from 0.
    """

    kind: Literal["clock_skew"]
    skew_seconds: Annotated[int, Field(ge=-86_400, le=86_400), AfterValidator(_wrong)] = 600
    seat: int = Field(0, ge=0, le=7)


class Surge(InjectedFault):
    """More users want to sign in at once: `times` as many visits as the scenario has otherwise."""

    kind: Literal["surge"]
    times: float = Field(4.0, gt=1, le=20)


class Stuffing(InjectedFault):
    """Passwords that were stolen elsewhere are tried here, one account after the other.

    `rate` is in attempts a second, from `networks` networks. `accounts` is how many addresses the
    thieves have that nobody here has, beside those of all users.
    """

    kind: Literal["stuffing"]
    rate: float = Field(10.0, gt=0, le=200)
    networks: int = Field(200, ge=1, le=10_000)
    accounts: int = Field(1_000, ge=0, le=10_000)


class BruteForce(InjectedFault):
    """Somebody guesses the password of one user, `rate` times a second, from many networks."""

    kind: Literal["brute_force"]
    rate: float = Field(10.0, gt=0, le=200)
    networks: int = Field(200, ge=1, le=10_000)


ProcessKind = (
    ReplicaKilled
    | EnvoyKilled
    | GuardKilled
    | CrashLoop
    | MemoryLeak
    | KeyExpired
    | KeyUnknown
    | ClockSkew
    | Surge
    | Stuffing
    | BruteForce
)
"""All kinds of this module."""
