"""Proposing mutants to a running system, one after the other, and seeing where each is stopped."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ostiary.drills.inhabited import inhabited
from ostiary.drills.mutants.answers import Differences
from ostiary.drills.mutants.model import Mutant, MutantKind, Passage
from ostiary.drills.mutants.observer import Observer
from ostiary.drills.mutants.settings import written_out
from ostiary.drills.population import create_people
from ostiary.drills.scoring import affected_users
from ostiary.drills.system import DrillSystem
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import Traffic
from ostiary.guard.client import GuardError
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import ExitCode, OstiaryError
from ostiary.kernel.ids import SeededRandom
from ostiary.runtime.data_directory import DataDirectory
from ostiary.watch.relying_party.as_edge import AsEdge

PACE = """
[guard]
steps = [10, 50, 100]
step_seconds_min = 2.0
bake_seconds = 600.0
"""
"""Quick steps, so that a sample can go all the way. A bake ends when enough was seen of it."""

_USERS = 20
_RATE = 4.0
_END_SECONDS_MAX = 300.0
_BAKED_SECONDS = 6.0
_POLL_SECONDS = 0.05
_BEFORE_USERS = ("check", "approve", "rehearse")


@dataclass(frozen=True, slots=True)
class Proving:
    """A system of the trial's own with people on it, where mutants are proposed.

    `original` is a copy of the release that serves, `directory` where proposals are written.
    """

    system: DrillSystem
    traffic: Traffic
    original: Path
    directory: Path
    observer: Observer
    clock: Clock

    def propose(self, mutant: Mutant, *, all_the_way: bool) -> Passage:
        """Propose one mutant; return how far it came.

        It is taken back before the first user's share, when it was compared with the original,
        or, `all_the_way`, when it has been baked for a while. Raises `OstiaryError` where the
        system itself does not do what it must.
        """
        began = self.clock.now().timestamp()
        try:
            posted = self.system.guard.post("/changes", self._written(mutant))
        except GuardError as error:
            if error.exit_code is not ExitCode.REFUSED:
                raise
            return Passage("check", (str(error),))
        passage = self._follow(str(posted["change"]), all_the_way=all_the_way)
        if not all_the_way or passage.stopped_at in _BEFORE_USERS:
            # No user has met it.
            return passage
        hit = affected_users([one for one in self.traffic.entries() if one.ended >= began])
        return replace(passage, users=len(hit))

    def _written(self, mutant: Mutant) -> dict[str, Any]:
        body: dict[str, Any] = {"reason": "mutation trial", "again": True}
        if mutant.kind is MutantKind.SETTINGS:
            file = self.directory / "ostiary.toml"
            file.write_text(f"{mutant.text}\n{PACE}")
            return body | {"config": str(file)}
        release = self.directory / "release"
        shutil.rmtree(release, ignore_errors=True)
        shutil.copytree(self.original, release)
        (release / mutant.path).write_text(mutant.text)
        return body | {"releases": {"identity": str(release)}}

    def _follow(self, change: str, *, all_the_way: bool) -> Passage:
        seen: Differences | None = None
        baking_since: float | None = None
        taken_back = False
        deadline = self.clock.monotonic() + _END_SECONDS_MAX
        while (now := self.clock.monotonic()) < deadline:
            value = self.system.guard.get(f"/changes/{change}")
            if value["verdict"] is not None:
                return _passage(value, seen or Differences(), taken_back=taken_back)
            if value["stage"] in {"canary", "bake"} and not taken_back:
                if seen is None:
                    seen = self._compared(str(value["snapshot"]))
                if baking_since is None and value["stage"] == "bake":
                    baking_since = now
                baked = baking_since is not None and now - baking_since > _BAKED_SECONDS
                if baked or not all_the_way:
                    taken_back = self._take_back(change)
            time.sleep(_POLL_SECONDS)
        raise OstiaryError("not_ended", f"The change {change} does not end.")

    def _take_back(self, change: str) -> bool:
        """Order the end of a change; return whether it was not ending already."""
        try:
            self.system.guard.post(f"/changes/{change}/rollback", {"reason": "seen enough"})
        except GuardError:
            return False
        return True

    def _compared(self, snapshot: str) -> Differences:
        """Return what clients see of a candidate that differs from the original."""
        status = self.system.guard.get("/status")
        ports = {
            row["snapshot"]: row["port"]
            for row in status["replicas"]
            if row["service"] == "identity"
        }
        serving = str(status["serving"])
        if snapshot not in ports or serving not in ports or serving == snapshot:
            return Differences()
        urls = [f"http://127.0.0.1:{ports[each]}" for each in (serving, snapshot)]
        return asyncio.run(self.observer.differences(*urls))


def _passage(value: dict[str, Any], seen: Differences, *, taken_back: bool) -> Passage:
    reasons = tuple(str(reason["text"]) for reason in value["reasons"])
    stopped = value["verdict"] in {"refused", "rolled_back", "held"} and not taken_back
    stage = str(value["stage"])
    stopped_at = {"approve": "check", "good": "bake"}.get(stage, stage)
    return Passage(stopped_at if stopped else None, reasons, seen.seen, seen.worded)


@contextmanager
def proving_ground(seed: int, clock: Clock) -> Iterator[Proving]:
    """Start a system with people who sign in all the time; stop it when the block ends.

    Raises `OstiaryError` where it does not come up.
    """
    settings = f"{written_out()}\n{PACE}"
    with inhabited(settings, users=_USERS, rate=_RATE, seed=seed, clock=clock) as place:
        system, rng = place.system, SeededRandom(seed + 1)
        (looking,) = invent_people(1, rng, domain="look.invalid")
        create_people(system.guard, [looking])
        token = DataDirectory(system.data).edge_token_file.read_text().strip()
        as_edge = AsEdge(token, rng)
        observer = Observer(system.issuer, looking, place.application, as_edge, clock, rng)
        yield Proving(system, place.traffic, place.original, place.directory, observer, clock)
