"""When was there an Envoy, and when a replica, that could serve? Looked up from outside.

A process counts as serving once it has been up, running and ready for `SETTLED_SECONDS` without
a break: so long the system has to notice that it is there. What happens while no process of a
kind counts is an outage of that kind, and only then may users be harmed by it.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.processes import ProcessRecord
from tests.matrix.cluster import ENVOYS, REPLICAS, Cluster, is_stopped
from tests.matrix.moments import Now, Span, spans_where

SETTLED_SECONDS = 4.0
SAMPLE_SECONDS = 0.1
GUARD_MARGIN_SECONDS = 2.0
PRESSURE_SAMPLES = 40
STARVED_SHARE = 0.85
_PRESSURE = Path("/proc/pressure/cpu")
_STATUS_SECONDS = 0.3
_READY_SECONDS_MAX = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """What stood at one moment: processes that count, and Envoys that stand still."""

    at: float
    envoys: int
    envoys_paused: int
    replicas: int
    waited: float
    """Seconds since boot in which some process waited for a core (pressure stall information)."""


@dataclass(frozen=True, slots=True)
class Outages:
    """When users could be harmed, and by what."""

    no_envoy: list[Span]
    fewer_envoys: list[Span]
    envoy_paused: list[Span]
    no_replica: list[Span]
    fewer_replicas: list[Span]
    database: list[Span]
    database_locked: list[Span]
    starved: list[Span]
    """The machine was so busy, with this and with other things, that time-outs prove nothing."""


@dataclass(slots=True)
class Watcher:
    """Samples a cluster until it is cancelled."""

    cluster: Cluster
    now: Now
    samples: list[Sample] = field(default_factory=list)
    late_seconds_max: float = 0.0
    no_guard: list[tuple[float, bool]] = field(default_factory=list)
    _since: dict[ProcessRecord, float] = field(default_factory=dict)

    async def run(self) -> None:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=_READY_SECONDS_MAX) as client,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._follow_last_good())
            while True:
                began = self.now()
                await self._sample(client)
                await asyncio.sleep(SAMPLE_SECONDS)
                self.late_seconds_max = max(self.late_seconds_max, self.now() - began)

    def outages(self, database: list[Span], locked: list[Span]) -> Outages:
        """Return when what was missing; samples are up to 0.1 s older than what happened."""

        def where(values: list[bool]) -> list[Span]:
            moments = [sample.at for sample in self.samples]
            return spans_where(list(zip(moments, values, strict=True)), margin=3 * SAMPLE_SECONDS)

        return Outages(
            no_envoy=where([sample.envoys == 0 for sample in self.samples]),
            fewer_envoys=where([sample.envoys < ENVOYS for sample in self.samples]),
            envoy_paused=where([sample.envoys_paused > 0 for sample in self.samples]),
            no_replica=where([sample.replicas == 0 for sample in self.samples]),
            fewer_replicas=where([sample.replicas < REPLICAS for sample in self.samples]),
            database=database,
            database_locked=locked,
            starved=where([pressure > STARVED_SHARE for pressure in self.pressures()]),
        )

    def pressures(self) -> list[float]:
        """Return for each sample the share of the last seconds in which a process had to wait."""
        shares = []
        for index, sample in enumerate(self.samples):
            before = self.samples[max(index - PRESSURE_SAMPLES, 0)]
            seconds = sample.at - before.at
            shares.append((sample.waited - before.waited) / seconds if seconds > 1 else 0.0)
        return shares

    def guard_away(self) -> list[Span]:
        """Return when the guard did not answer, with what a command then may have met."""
        return spans_where(self.no_guard, margin=GUARD_MARGIN_SECONDS)

    async def _sample(self, client: httpx.AsyncClient) -> None:
        at, alive = self.now(), set()
        envoys = [record for i in range(ENVOYS) if (record := self.cluster.envoy(i)) is not None]
        paused = [record for record in envoys if is_stopped(record)]
        for record in envoys:
            if record not in paused:
                alive.add(record)
        for replica in self.cluster.replicas():
            if is_stopped(replica.process):
                continue
            known = replica.process in self._since
            if known or await _is_ready(client, replica.host, replica.health_port):
                alive.add(replica.process)
        # What ran before the first look has been up for long enough: users were let in after it.
        fresh = at if self.samples else at - SETTLED_SECONDS
        alive -= self.cluster.told_to_end
        self._since = {record: self._since.get(record, fresh) for record in alive}
        settled = {record for record, since in self._since.items() if at - since >= SETTLED_SECONDS}
        counted = sum(record in settled for record in envoys)
        self.samples.append(Sample(at, counted, len(paused), len(settled) - counted, _waited()))

    async def _follow_last_good(self) -> None:
        while True:
            silent = False
            try:
                await self.cluster.status()
            except (OstiaryError, OSError, ValueError):
                silent = True
            self.no_guard.append((self.now(), silent))
            await asyncio.sleep(_STATUS_SECONDS)


def _waited() -> float:
    """Return how long processes have waited for a core; 0 where the kernel does not tell."""
    try:
        return int(_PRESSURE.read_text().split("total=", 2)[1].split()[0]) / 1e6
    except (OSError, LookupError, ValueError):
        return 0.0


async def _is_ready(client: httpx.AsyncClient, host: str, health_port: int) -> bool:
    try:
        response = await client.get(f"http://{host}:{health_port}/ready")
    except httpx.HTTPError:
        return False
    return response.status_code == httpx.codes.OK
