"""What the benchmarks share: CPU time of other processes, and a system to measure."""

import statistics
import time
from collections.abc import Iterable, Sequence

from ostiary.drills.system import DrillSystem
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.resources import children
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target

_SCHEDULER_CLOCK = 2
"""CPUCLOCK_SCHED of the Linux kernel: nanoseconds of all threads, also of those that ended."""


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU seconds, user and system, that processes have used so far.

    It is the clock that clock_getcpuclockid(3) names, finer than the ticks of /proc/<pid>/stat.
    """
    return sum(time.clock_gettime((~pid << 3) | _SCHEDULER_CLOCK) for pid in pids)


def serving_pids(system: DrillSystem) -> list[int]:
    """Return what stands between a user and the answer: Envoys, replicas, hash processes."""
    edges = [int(each["pid"]) for each in system.report["edge"]]
    replicas = [int(each["pid"]) for each in system.report["replicas"]]
    return [*edges, *(pid for replica in replicas for pid in with_children(replica))]


def with_children(pid: int) -> list[int]:
    """Return a replica and the processes that hash for it."""
    return [pid, *sorted(children(pid))]


def admin_url(system: DrillSystem) -> str:
    """Return the address of one replica's own port; the edge does not lead to the admin API."""
    return f"http://127.0.0.1:{system.report['replicas'][0]['port']}"


def admin_token(system: DrillSystem) -> str:
    return (system.data / "secrets" / "admin.token").read_text().strip()


def probe_admin(system: DrillSystem) -> ProbeAdmin:
    return ProbeAdmin(admin_url(system), admin_token(system), rng=SystemRandom())


async def edge_site(system: DrillSystem, transport: KeptConnections) -> Site:
    """Return the system as its users meet it, through the edge."""
    target = Target("edge", system.issuer, system.issuer)
    return await Site.open(target, transport, clock=SystemClock(), rng=SystemRandom())


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median, and the smallest and largest value."""
    middle = statistics.median(values)
    return f"median {middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
