"""Faults of what a service stands on: its database, and the network around it.

`injection` has the modules that do them. Times are in seconds where no other unit is named.
"""

from typing import Literal

from pydantic import Field

from ostiary.drills.scenarios.injected import Database, InjectedFault

Between = Literal["edge_replicas", "replicas_database"]


class _OfServer(InjectedFault):
    """A fault that only a database has which is a server."""

    @property
    def database_needed(self) -> Database | None:
        return "postgresql"


class DatabaseStopped(_OfServer):
    """The server ends as in a crash and is started again; paused, it only stands still."""

    kind: Literal["database_stopped"]
    paused: bool = False


class DatabaseSlow(_OfServer):
    """Every answer of the server takes longer."""

    kind: Literal["database_slow"]
    milliseconds: float = Field(300.0, ge=1, le=10_000)


class DatabaseLocked(InjectedFault):
    """Somebody else holds the lock without which nothing can be written."""

    kind: Literal["database_locked"]


class DiskFull(InjectedFault):
    """The disk on which the database lies has no room left."""

    kind: Literal["disk_full"]

    @property
    def database_needed(self) -> Database | None:
        """Return SQLite: its files are the replicas' own, and the drill can lay them elsewhere."""
        return "sqlite"


class PoolExhausted(_OfServer):
    """Somebody else has all connections that the server grants, and the replicas have none."""

    kind: Literal["pool_exhausted"]
    connections: int = Field(20, ge=1, le=50)


class _OfNetwork(InjectedFault):
    """A fault of the network on one of the two ways that a sign-in takes."""

    between: Between = "edge_replicas"

    @property
    def database_needed(self) -> Database | None:
        return "postgresql" if self.between == "replicas_database" else None


class NetworkDelay(_OfNetwork):
    """Whatever is sent takes longer, in either direction, by `jitter` less or more."""

    kind: Literal["network_delay"]
    milliseconds: float = Field(300.0, ge=1, le=10_000)
    jitter: float = Field(0.0, ge=0, le=10_000)


class NetworkLoss(_OfNetwork):
    """A share of segments is lost, each sent again after a time-out; with `cut` never again."""

    kind: Literal["network_loss"]
    share: float = Field(0.1, ge=0.01, le=1)
    cut: bool = False


EnvironmentKind = (
    DatabaseStopped
    | DatabaseSlow
    | DatabaseLocked
    | DiskFull
    | PoolExhausted
    | NetworkDelay
    | NetworkLoss
)
"""All kinds of this module."""
