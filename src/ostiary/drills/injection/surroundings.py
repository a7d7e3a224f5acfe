"""What a drill's system stands on, where a fault needs it to be the drill's own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ostiary.drills.injection.postgres_server import SOCKET, PostgresServer, postgres_server
from ostiary.drills.injection.relaying import Network, relaying
from ostiary.drills.injection.small_disk import small_disk
from ostiary.drills.order import DrillOrder
from ostiary.drills.scenarios.environment_kinds import DiskFull

_STORE: Final = "identity.db"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, and the network between it and whoever connects in `directory`."""

    postgres: PostgresServer
    network: Network
    directory: Path

    @property
    def url(self) -> str:
        """Return the address of the database as replicas have it: through the network."""
        return self.postgres.url(self.directory)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was set up before the system starts; None for what it brings itself."""

    server: Server | None = None
    disk: Path | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return further arguments of `ostiary up`."""
        if self.server is not None:
            return ("--database", self.server.url)
        if self.disk is not None:
            return ("--database", f"sqlite:///{self.store(self.disk)}")
        return ()

    def store(self, data: Path) -> Path:
        """Return SQLite's file of a system in this data directory."""
        return (self.disk or data) / _STORE


@contextmanager
def surrounding(order: DrillOrder, directory: Path) -> Iterator[Surroundings]:
    """Set up what the drill's system is to stand on; take it down when the block ends.

    Raises `FaultNotInjectableError` where that is not to be had here.
    """
    content = order.scenario.content
    with ExitStack() as until:
        if content.topology.database == "postgresql":
            yield Surroundings(server=until.enter_context(_server(directory)))
        elif any(isinstance(fault, DiskFull) for fault in content.fault.inject):
            yield Surroundings(disk=until.enter_context(small_disk(directory / "disk")))
        else:
            yield Surroundings()


@contextmanager
def _server(directory: Path) -> Iterator[Server]:
    near, rules = directory / "database", directory / "database-network.json"
    near.mkdir(mode=0o700)
    log = directory / "database-relay.log"
    with (
        postgres_server() as postgres,
        relaying(near / SOCKET, postgres.socket, rules, log),
    ):
        yield Server(postgres, Network(rules), near)
