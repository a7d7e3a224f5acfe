"""The edge as one object: start it, change it, read it, keep it alive, end it."""

from collections.abc import Callable

import anyio
import anyio.to_thread

from ostiary.edge.applied import Applied
from ostiary.edge.certificates import Certificate
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.envoys import Envoy
from ostiary.edge.files import XdsFile, XdsFiles, render, secret_file
from ostiary.edge.fleet import Fleet
from ostiary.edge.health import CanaryHealth, seen_health
from ostiary.edge.latencies import Latencies
from ostiary.edge.listening import check_port_free, not_served
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.readings import Readings
from ostiary.edge.rollout import Rollout
from ostiary.edge.validation import Validator
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.processes import ProcessRecord

__all__ = ["Applied", "Edge"]


class Edge:
    """The Envoys of one edge directory. One object at a time may own a directory (`guard.lock`).

    Whatever happens to this object, the Envoys serve on with the files as they stand.
    """

    def __init__(
        self,
        place: EdgePlace,
        *,
        count: int = 2,
        clock: Clock,
        check: Callable[[EdgeModel], None] | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        """Prepare `count` Envoys for the place; nothing runs before `start`.

        `check` validates a model before it is written, by default Envoy does; `certificate` is
        for an entrance with TLS.
        """
        place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._place = place
        self._validator = Validator(place)
        self._check = check or self._validator.check
        self._certificate = certificate
        self._fleet = Fleet(place, count)
        self._clock = clock
        self._rollout = Rollout(place, clock)
        self._readings = Readings()
        self._lock = anyio.Lock()

    @property
    def pids(self) -> list[int]:
        """The process ids of the Envoys that live."""
        return [record.pid for record in self.records]

    @property
    def records(self) -> list[ProcessRecord]:
        """The process records of the Envoys that live."""
        return [each.record for each in self._fleet.live() if each.record is not None]

    async def start(self, model: EdgeModel) -> None:
        """Bring the edge up with a model: take over Envoys that run, start those that do not.

        Returns when all of them serve it. Raises `RefusedError` for a model that Envoy does not
        take, and `UsageError` where the port is taken or an Envoy does not come up, with its last
        words; an edge that did not run before is then stopped again.
        """
        async with self._lock:
            secret = await self._lay_out_certificate()
            await self.prevalidate(model)
            files = render(model, self._place)
            adopted = await self._fleet.adopt(replaceable=self._rollout.standing() is not None)
            try:
                if adopted:
                    await self._rollout.change(adopted, files)
                else:
                    check_port_free(self._place.listen_host, self._place.listen_port)
                    await self._rollout.lay_out(files)
                await self._start_missing(files)
                if adopted and secret is not None:
                    await self._rollout.verify_secret(adopted, secret)
            except BaseException:
                if not adopted:
                    with anyio.CancelScope(shield=True):
                        await self._fleet.stop()
                raise

    async def prevalidate(self, model: EdgeModel) -> None:
        """Let Envoy judge a model now, so that a later `apply` of it need not wait for that.

        Also judges the same model without its canaries: a rollback must never have to wait.
        Raises `RefusedError` with Envoy's reason.
        """
        await anyio.to_thread.run_sync(self._check, model)
        if (last_good := model.without_canaries) != model:
            await anyio.to_thread.run_sync(self._check, last_good)

    async def apply(self, model: EdgeModel) -> Applied:
        """Put a model into effect on every live Envoy.

        Raises `RefusedError` where Envoy does not take it; the old files are then back in place.
        Raises `EdgeUnconfirmedError` where an Envoy could not be brought to use it even by a
        restart; the files are in place then.
        """
        called = self._clock.monotonic()
        await self.prevalidate(model)
        async with self._lock:
            live = self._fleet.live()
            before = self._rollout.standing()
            try:
                effect = await self._rollout.change(live, render(model, self._place))
            except RefusedError:
                if before is not None:
                    await self._rollout.restore(live, before)
                raise
            return Applied(model.version, effect.seconds, len(live), effect.at - called)

    async def replace_certificate(self, certificate: Certificate) -> None:
        """Have all Envoys meet new connections with another certificate; existing ones go on.

        Raises `RefusedError` where Envoy does not take it; the former one is then in place.
        """
        await self._check_certificate(certificate)
        async with self._lock:
            await self._rollout.change_secret(self._fleet.live(), secret_file(certificate))

    async def counters(self) -> EdgeCounters:
        """Return what all Envoys counted since this object first read them, restarts included."""
        return await self._readings.counters(self._fleet.live())

    async def latencies(self) -> Latencies:
        """Return the durations of attempts since this object first read them; 1 s behind."""
        return await self._readings.latencies(self._fleet.live())

    async def canary_health(self) -> CanaryHealth:
        """Return the canary's health, as the Envoy sees it that sees the fewest healthy hosts."""
        return await seen_health(self._fleet.live())

    async def restart(self, index: int) -> int | None:
        """Start one Envoy again if it has died; return the new process id, or None.

        Returns when it serves. Raises `UsageError` with its last words where it does not.
        """
        async with self._lock:
            envoy = self._fleet.spawn_dead(index)
        if envoy is None:
            return None
        await envoy.wait_ready()  # Not under the lock: a rollback must not wait for a restart.
        async with self._lock:
            if (files := self._rollout.standing()) is not None:
                await self._verify([envoy], files)
        return None if envoy.record is None else envoy.record.pid

    async def stop(self) -> None:
        """End all Envoys in order: no new connections, requests answered, then the process."""
        async with self._lock:
            await self._fleet.stop()

    async def stop_leftovers(self) -> bool:
        """End Envoys that an earlier object started; return whether one was running."""
        async with self._lock:
            return await self._fleet.stop_leftovers()

    async def detach(self) -> None:
        """Give this object's connections back; the Envoys serve on and may be taken over."""
        await self._fleet.detach()

    async def _lay_out_certificate(self) -> XdsFile | None:
        if self._certificate is None:
            return None
        secret = secret_file(self._certificate)
        if self._rollout.standing_secret() != secret:
            await self._check_certificate(self._certificate)
            await self._rollout.lay_out_secret(secret)
        return secret

    async def _check_certificate(self, certificate: Certificate) -> None:
        await anyio.to_thread.run_sync(self._validator.check_certificate, certificate.secret())

    async def _start_missing(self, files: XdsFiles) -> None:
        missing = self._fleet.spawn_missing()
        for envoy in missing:
            await envoy.wait_ready()
        await self._verify(missing, files)

    async def _verify(self, started: list[Envoy], files: XdsFiles) -> None:
        """Raise `UsageError` where an Envoy runs and yet does not listen or does not route."""
        try:
            await self._rollout.verify(started, files)
        except RefusedError as problem:
            raise not_served(self._place.listen_host, self._place.listen_port, problem) from problem
