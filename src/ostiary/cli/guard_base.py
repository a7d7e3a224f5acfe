"""What all parts of a guard share: settings, journal, clock, and where everything is."""

from dataclasses import dataclass

from ostiary.changes.configuration import Configuration
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.cli import edge_wiring
from ostiary.guard.options import GuardOptions
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.endpoints import EndpointsRuntime
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.ports import Runtime
from ostiary.runtime.releases import ReleaseStore
from ostiary.runtime.runtimes import Runtimes


@dataclass(frozen=True, slots=True)
class Base:
    """What all parts share."""

    options: GuardOptions
    data: DataDirectory
    configuration: Configuration
    journal: Journal
    releases: ReleaseStore
    runtime: Runtime
    clock: SystemClock
    rng: SystemRandom
    epoch: str
    served: SnapshotSettings
    launch_differs: bool = False
    edge_is_new: bool = False
    services_begin: bool = False

    @property
    def admin_token(self) -> str:
        """Return the secret for identity's admin API."""
        return self.data.admin_token_file.read_text().strip()

    @property
    def edge_token(self) -> str:
        """Return the secret by which replicas know the edge."""
        return self.data.edge_token_file.read_text().strip()

    @property
    def runs_already(self) -> bool:
        """Return whether replicas of this data directory run; what others run does not count."""
        return any(not replica.is_run_elsewhere for replica in self.runtime.adopt())

    @property
    def listen_url(self) -> str:
        """Return the edge's own address."""
        return edge_wiring.own_url(self.served.edge, self.options.port)

    @property
    def port(self) -> int:
        """Return the port on which the edge listens."""
        return edge_wiring.listening(self.served.edge, self.options.port)[1]

    @property
    def issuer(self) -> str:
        """Return the address that users and clients know."""
        return self.served.edge.public_url or self.listen_url


def build_base(
    options: GuardOptions,
    data: DataDirectory,
    configuration: Configuration,
    journal: Journal,
    served: SnapshotSettings,
) -> Base:
    """Return it for one start of a guard, with an epoch of its own."""
    clock, rng = SystemClock(), SystemRandom()
    releases = ReleaseStore(data.releases)
    local = LocalRuntime(
        data.path,
        releases,
        clock=clock,
        admin_token_file=data.admin_token_file,
        edge_token_file=data.edge_token_file,
        store_key_file=data.store_key_file,
    )
    runtime = Runtimes(local, EndpointsRuntime(data.path, clock=clock))
    epoch = rng.hex(8)
    return Base(options, data, configuration, journal, releases, runtime, clock, rng, epoch, served)
