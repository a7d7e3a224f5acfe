"""All Envoys of one edge directory, as processes."""

from pathlib import Path

import anyio

from ostiary.edge.envoys import Envoy, Found
from ostiary.edge.model import EdgePlace


class Fleet:
    """A fixed number of Envoys, and whatever an earlier guard left running."""

    def __init__(self, place: EdgePlace, count: int) -> None:
        """Know the Envoys; none is started or looked for yet."""
        self._place = place
        self._envoys = [Envoy(index, place) for index in range(count)]

    def live(self) -> list[Envoy]:
        """Return the Envoys whose process runs."""
        return [each for each in self._envoys if each.alive]

    async def adopt(self, *, replaceable: bool) -> list[Envoy]:
        """Take over the Envoys that run, and end those that are not wanted; return those that run.

        One that has to be started anew is, before the next one is looked at, so that they are
        never away together. That needs files to start with: `replaceable` says that they stand.
        """
        for index in leftover_indexes(self._place.directory, len(self._envoys)):
            surplus = Envoy(index, self._place)
            await surplus.adopt()
            await surplus.stop()
        for envoy in self._envoys:
            if await envoy.adopt() is Found.ENDED and replaceable:
                envoy.spawn()
                await envoy.wait_ready()
        return self.live()

    def spawn_missing(self) -> list[Envoy]:
        """Start every Envoy that does not run; return them, not yet ready."""
        missing = [each for each in self._envoys if not each.alive]
        for envoy in missing:
            envoy.spawn()
        return missing

    def spawn_dead(self, index: int) -> Envoy | None:
        """Start one Envoy if it ran and has died; return it, not yet ready, or None."""
        envoy = self._envoys[index]
        if envoy.record is None or envoy.alive:
            return None
        envoy.spawn()
        return envoy

    async def stop(self) -> None:
        """End all Envoys in order, at the same time."""
        async with anyio.create_task_group() as group:
            for envoy in self._envoys:
                group.start_soon(envoy.stop)

    async def stop_leftovers(self) -> bool:
        """End every recorded Envoy, whoever started it; return whether one was running."""
        found = []
        for index in leftover_indexes(self._place.directory, 0):
            envoy = Envoy(index, self._place)
            found.append(await envoy.adopt())
            await envoy.stop()
        return any(each is not Found.NONE for each in found)

    async def detach(self) -> None:
        """Give the connections back; the processes run on."""
        for envoy in self._envoys:
            await envoy.admin.close()


def leftover_indexes(directory: Path, count: int) -> list[int]:
    """Return the indexes from `count` on of which a process record is left."""
    names = (path.stem.removeprefix("envoy-") for path in directory.glob("envoy-*.json"))
    return sorted(int(name) for name in names if name.isdecimal() and int(name) >= count)
