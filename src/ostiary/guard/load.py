"""How many sign-ins each replica can do, and how many it is asked for.

The capacity is measured on order (`ostiary bench capacity`) and journalled for the snapshot that
served: its release and settings decide about it, not the process. The load is read every few
seconds from what the replicas themselves have counted; sign-ins that were sent away count too, so
that a load above 1 says how many more are wanted than can be served. From the same readings come
the busiest minute on record and how unevenly requests fall on clients, for the load check.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpx

from ostiary.changes.load.known import KnownLoad
from ostiary.changes.load.shares import HASH_BALANCERS
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.busiest import BUSIEST_MINUTE, BusiestMinute
from ostiary.guard.client_skew import Clients, clients_in, learnt_skew
from ostiary.guard.load_readings import Reading, count_in, rate_of, read_measurement
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal
from ostiary.kernel.journal_entries import Entry
from ostiary.runtime.ports import Replica

CAPACITY_MEASURED = "capacity_measured"
"""Journal entry; its subject is the snapshot."""

_READ_SECONDS = 5.0
_READ_SECONDS_IN_CHANGE = 2.0
_READINGS = 7
"""Readings that are kept: the load is that of the last half minute."""

_SECONDS_MAX = 2.0
_BYTES_MAX = 1024 * 1024
_SHED = 'result="shed"'


class LoadWatch:
    """Knows the capacity of snapshots, and reads what the replicas are asked for."""

    def __init__(
        self,
        replicas: Callable[[], Sequence[Replica]],
        clock: Clock,
        *,
        serving: Callable[[], Sequence[Replica]] | None = None,
        journal: Journal | None = None,
        stated: Callable[[Replica], float | None] = lambda _: None,
        in_change: Callable[[], bool] = lambda: False,
        told: Callable[[Replica, str], None] = lambda *_: None,
    ) -> None:
        """Read `replicas`; only what those that are `serving` get comes from users.

        `stated` is the capacity that the settings name; it counts more than a measured one.
        `in_change` says whether a change is among the users; then loads are read more often. `told`
        gets each replica's metrics, for what else they tell.
        """
        self._replicas = replicas
        self._serving = serving or replicas
        self._clock = clock
        self._journal = journal
        self._stated = stated
        self._in_change = in_change
        self._told = told
        self.rounds = 0
        self._busiest = BusiestMinute()
        self._clients: dict[str, Clients] = {}
        self._capacities: dict[str, float] = {}
        self._readings: dict[str, deque[Reading]] = {}
        self._missed: set[str] = set()

    def recall(self, entries: Iterable[Entry]) -> None:
        """Learn what earlier guards have journalled."""
        for entry in entries:
            if entry.kind == CAPACITY_MEASURED and entry.subject is not None:
                self.learn(entry.subject, float(entry.data["sign_ins_per_second"]))
            elif entry.kind == BUSIEST_MINUTE:
                self._busiest.recall(entry.data)

    def learn(self, snapshot: str, sign_ins_per_second: float) -> None:
        """Take a measured capacity of one replica of a snapshot."""
        self._capacities[snapshot] = sign_ins_per_second

    def known(
        self, serving: str, settings: SnapshotSettings, candidate: str | None = None
    ) -> KnownLoad:
        """Return what the load check has to know of the system.

        `serving` is the snapshot that the stable replicas were started with, `settings` are those
        that are served, `candidate` is the snapshot that is proposed, where there is one already.
        """
        by_hash = settings.edge.balancer in HASH_BALANCERS
        return KnownLoad(
            capacity=self._capacities.get(serving),
            candidate_capacity=None if candidate is None else self._capacities.get(candidate),
            busiest_minute=self._busiest.sign_ins_per_second,
            keys=learnt_skew(self._clients.values(), clients_differ=by_hash),
        )

    def take(self, body: dict[str, Any]) -> None:
        """Learn a measurement that was just made; what came meanwhile is kept off the record."""
        self.learn(*read_measurement(body))
        seconds = body.get("seconds")
        lasted = seconds if isinstance(seconds, int | float) and seconds > 0 else 0.0
        # Making accounts takes a while before, and the counters are read every few seconds.
        self._busiest.leave_out(self._clock.monotonic() - lasted - 2 * _READ_SECONDS)

    def capacity(self, replica: Replica) -> float | None:
        """Return the sign-ins a second that the replica can do; None where nobody knows."""
        return self._stated(replica) or self._capacities.get(replica.snapshot)

    def load(self, replica: Replica) -> float | None:
        """Return the sign-ins asked for over those that can be done; None while not known."""
        capacity, readings = self.capacity(replica), self._readings.get(replica.name)
        if not capacity or readings is None:
            return None
        rate = rate_of([(at, asked) for at, asked, _ in readings])
        return None if rate is None else round(rate / capacity, 3)

    def latest(self, replica: Replica) -> tuple[float | None, float | None]:
        """Return the sign-ins a second asked for, and those sent away, in the last seconds."""
        readings = list(self._readings.get(replica.name, ()))[-2:]
        if not readings:
            return None, None
        asked = rate_of([(at, count) for at, count, _ in readings])
        return asked, rate_of([(at, count) for at, _, count in readings])

    async def run(self) -> None:
        """Read for ever. A replica that did not answer twice in a row has no load until it does."""
        async with httpx.AsyncClient(timeout=_SECONDS_MAX, trust_env=False) as client:
            while True:
                replicas = self._replicas()
                await asyncio.gather(*(self._read(client, replica) for replica in replicas))
                self._judge_minute()
                names = {replica.name for replica in replicas}
                self._clients = {
                    name: told for name, told in self._clients.items() if name in names
                }
                self._readings = {
                    name: kept for name, kept in self._readings.items() if name in names
                }
                self._missed &= names
                self.rounds += 1
                in_change = self._in_change()
                await asyncio.sleep(_READ_SECONDS_IN_CHANGE if in_change else _READ_SECONDS)

    async def _read(self, client: httpx.AsyncClient, replica: Replica) -> None:
        url = f"http://{replica.host}:{replica.health_port}/metrics"
        try:
            async with asyncio.timeout(_SECONDS_MAX), client.stream("GET", url) as response:
                # The listener belongs to the release: it may send anything, and without end.
                text = b""
                async for part in response.aiter_bytes():
                    text += part
                    if len(text) > _BYTES_MAX:
                        break
            metrics = text.decode(errors="replace")
            self._told(replica, metrics)
            asked, shed = count_in(metrics), count_in(metrics, _SHED)
        except (httpx.HTTPError, TimeoutError, ValueError):
            if replica.name in self._missed:
                self._readings.pop(replica.name, None)
            self._missed.add(replica.name)
            return
        self._missed.discard(replica.name)
        readings = self._readings.setdefault(replica.name, deque(maxlen=_READINGS))
        now = self._clock.monotonic()
        readings.append((now, asked, shed))
        if any(each.name == replica.name for each in self._serving()):
            self._busiest.read(replica.name, now, asked)
            if (told := clients_in(metrics)) is not None:
                self._clients[replica.name] = told

    def _judge_minute(self) -> None:
        entries = self._busiest.judge(self._clock.monotonic(), self._clock.now().date())
        for data in entries:
            if self._journal is not None:
                self._journal.append(BUSIEST_MINUTE, None, data)
