"""Bringing files into effect on running Envoys, in an order that never leaves a gap."""

from dataclasses import dataclass, replace

import anyio.to_thread

from ostiary.edge.bootstrap import CERTIFICATE_FILE, CLUSTER_FILE, LISTENER_FILE, ROUTE_FILE
from ostiary.edge.confirmation import Answer, confirm, refusals
from ostiary.edge.envoys import Envoy
from ostiary.edge.files import XdsDirectory, XdsFile, XdsFiles, holds, with_kept
from ostiary.edge.model import EdgePlace
from ostiary.edge.validation import readable_reason
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError, RefusedError

LINGER_S = 150.0
"""How long a cluster stays that no route leads to: longer than any request may take. One that was
under way when its route went still has to find its second opinion there."""


class EdgeUnconfirmedError(OstiaryError):
    """The files are in place, but an Envoy could not be brought to use them."""


@dataclass(frozen=True, slots=True)
class Effect:
    """When new routes were in effect: seconds after their rename, and on the monotonic clock."""

    seconds: float
    at: float


class Rollout:
    """Writes the files of one edge directory and waits for the Envoys' word on each."""

    def __init__(self, place: EdgePlace, clock: Clock) -> None:
        """Make the watched directories; `clock` measures the time to effect."""
        self._place = place
        self._clock = clock
        self._directory = XdsDirectory(place.directory)
        self._taken: dict[str, str] = {}
        self._unused_since: dict[str, float] = {}

    def standing(self) -> XdsFiles | None:
        """Return the files as they stand, or None where they are not complete."""
        clusters = self._directory.read(CLUSTER_FILE)
        listeners = self._directory.read(LISTENER_FILE)
        routes = self._directory.read(ROUTE_FILE)
        if clusters is None or listeners is None or routes is None:
            return None
        return XdsFiles(clusters, listeners, routes)

    async def lay_out(self, files: XdsFiles) -> None:
        """Write all files for Envoys that are yet to start."""
        for file in (files.clusters, files.listeners, files.routes):
            await self._write(file)

    def standing_secret(self) -> XdsFile | None:
        """Return the file of the certificate as it stands, or None where there is none."""
        return self._directory.read(CERTIFICATE_FILE)

    async def lay_out_secret(self, secret: XdsFile) -> None:
        """Write the certificate for listeners that are yet to ask for it."""
        await self._write(secret)

    async def change_secret(self, envoys: list[Envoy], secret: XdsFile) -> None:
        """Have Envoys use another certificate for new connections; the others are not touched.

        Raises `RefusedError` where an Envoy refuses it; the former one then stands again.
        """
        before = self.standing_secret()
        try:
            await self._put(envoys, secret)
        except RefusedError:
            if before is not None:
                await self._write(before)
            raise

    async def verify_secret(self, envoys: list[Envoy], secret: XdsFile) -> None:
        """Return when Envoys use the certificate that was laid out; errors as in `change`."""
        never_refused = {envoy.index: 0 for envoy in envoys}
        await self._await_taken(envoys, secret, never_refused, {})

    async def change(self, envoys: list[Envoy], files: XdsFiles) -> Effect:
        """Go from the standing files to these; return when the routes were in effect.

        New clusters come before the routes to them, and clusters that nothing leads to any more
        go with a later write. A rollback needs no new cluster, so its routes are the first thing
        to change.
        Raises `RefusedError` where an Envoy refuses a file, in the state that this left behind.
        """
        clusters = self._directory.read(CLUSTER_FILE)
        if not holds(clusters, files.clusters):
            await self._put(envoys, with_kept(files.clusters, clusters))
        seconds = await self._put(envoys, files.routes)
        effect = Effect(seconds, self._clock.monotonic())
        await self._put(envoys, files.listeners)
        await self._put(envoys, self._with_lingering(files.clusters, effect.at))
        return effect

    def _with_lingering(self, new: XdsFile, now: float) -> XdsFile:
        """Return the clusters and those without a route on which requests may yet be under way."""
        standing = self._directory.read(CLUSTER_FILE) or new
        names = {resource["name"] for resource in new.resources}
        unused = [each for each in standing.resources if each["name"] not in names]
        self._unused_since = {
            each["name"]: self._unused_since.get(each["name"], now) for each in unused
        }
        kept = [each for each in unused if now - self._unused_since[each["name"]] < LINGER_S]
        return with_kept(new, replace(standing, resources=tuple(kept)))

    async def restore(self, envoys: list[Envoy], files: XdsFiles) -> None:
        """Put files back that were in effect before; an Envoy that kept them has nothing to do."""
        try:
            if self._directory.read(ROUTE_FILE) == files.routes:
                # Nothing leads to the new clusters yet, so the refused ones need not be kept.
                await self._put(envoys, files.clusters)
            await self.change(envoys, files)
        except RefusedError:
            # An Envoy that refuses what it had before is past helping by files; they are at least
            # right for its restart.
            await self.lay_out(files)

    async def verify(self, envoys: list[Envoy], files: XdsFiles) -> None:
        """Return when Envoys that were just started use the files; errors as in `change`."""
        never_refused = {envoy.index: 0 for envoy in envoys}
        for file in (files.clusters, files.listeners, files.routes):
            await self._await_taken(envoys, file, never_refused, {})

    async def _put(self, envoys: list[Envoy], file: XdsFile) -> float:
        if self._taken.get(file.name) == file.version and self._directory.read(file.name) == file:
            return 0.0
        before = await refusals(envoys, file.name)
        log_sizes = {envoy.index: envoy.log_size() for envoy in envoys}
        standing = self._directory.read(file.name)
        started = self._clock.monotonic()
        if standing != file:
            await self._write(file)
        self._taken.pop(file.name, None)
        await self._await_taken(envoys, file, before, log_sizes)
        self._taken[file.name] = file.version
        return self._clock.monotonic() - started

    async def _await_taken(
        self,
        envoys: list[Envoy],
        file: XdsFile,
        refused_before: dict[int, int],
        log_sizes: dict[int, int],
    ) -> None:
        answers = await confirm(envoys, file, refused_before)
        for envoy in envoys:
            if answers[envoy.index] is Answer.REFUSED:
                words = envoy.log_tail(log_sizes.get(envoy.index, 0))
                raise _refused(file, readable_reason(words, self._place.edge_token))
        for envoy in envoys:
            if answers[envoy.index] is Answer.SILENT:
                await self._replace(envoy, file)

    async def _replace(self, envoy: Envoy, file: XdsFile) -> None:
        """Restart an Envoy that does not say what it uses: it might serve a withdrawn version."""
        await envoy.kill()
        envoy.spawn()
        await envoy.wait_ready()
        if (await confirm([envoy], file, {envoy.index: 0}))[envoy.index] is not Answer.TAKEN:
            raise EdgeUnconfirmedError(
                "edge_unconfirmed",
                f"Envoy {envoy.index} does not use the edge configuration {file.version}.",
                hint="Look into its log; the configuration itself is in place.",
            )

    async def _write(self, file: XdsFile) -> None:
        await anyio.to_thread.run_sync(self._directory.write, file)


def _refused(file: XdsFile, reason: str) -> RefusedError:
    return RefusedError(
        "edge_refused",
        f"Envoy does not accept the edge configuration {file.version}: {reason}",
        hint="The configuration before it stays in effect.",
    )
