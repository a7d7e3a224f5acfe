"""Proposing mutants to a running system, one after the other, and seeing where each is stopped."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from ostiary.drills.inhabited import Inhabited, inhabited
from ostiary.drills.mutants.answers import Differences
from ostiary.drills.mutants.model import Mutant, MutantKind, Passage
from ostiary.drills.mutants.observer import Observer
from ostiary.drills.mutants.settings import written_out
from ostiary.drills.population import create_people
from ostiary.drills.scoring import affected_users, harmed
from ostiary.drills.traffic_plan import Person, invent_people
from ostiary.guard.client import GuardClient, GuardError
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import ExitCode, OstiaryError
from ostiary.kernel.ids import Random, SeededRandom
from ostiary.runtime.data_directory import DataDirectory
from ostiary.watch.relying_party.as_edge import AsEdge

CHEAP = """
[identity]
replicas = 1
leeway_seconds = 1
jwks_max_age_seconds = 1
mail_smtp_url = "smtp://127.0.0.1:9"
mail_from = "login@drill.invalid"
[flags]
plain = "the same for everybody"
[flags.trial]
default = "plain"
variant = "new"
percent = 99.9999
public = true
"""
"""Settings that make a rehearsal take less time, and hide no fault in code.

Tokens are soon past their leeway, and there is one replica to start. Each mutant finds a key to
sign with: eight wait, each for as long as it has to be published, and every mutant takes one. Mails
are written, to a server that nobody runs. There are flags, one of which is drawn for nearly
everybody, so that what one user is told can be compared with what another one is."""

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
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Proving:
    """A system of the trial's own, where mutants are proposed; `observer` compares replicas."""

    place: Inhabited
    observer: Observer

    def propose(self, mutant: Mutant, *, all_the_way: bool) -> Passage:
        """Propose one mutant; return how far it came.

        It is taken back before the first user's share, when it was compared with the original,
        or, `all_the_way`, when it has been baked for a while. Raises `OstiaryError` where the
        system itself does not do what it must.
        """
        if not all_the_way:
            # No user is to meet it, so none are sent.
            return self._proposed(mutant, all_the_way=False)
        with self.place.visited() as traffic:
            passage = self._proposed(mutant, all_the_way=True)
            entries = traffic.stop().entries
        return replace(
            passage, users=len(affected_users(entries)), harmed=tuple(harmed(entries, None))
        )

    def _proposed(self, mutant: Mutant, *, all_the_way: bool) -> Passage:
        try:
            posted = self.place.system.guard.post("/changes", self._written(mutant))
        except GuardError as error:
            if error.exit_code is not ExitCode.REFUSED:
                raise
            return Passage("check", (str(error),))
        return self._follow(str(posted["change"]), all_the_way=all_the_way)

    def _written(self, mutant: Mutant) -> dict[str, Any]:
        body: dict[str, Any] = {"reason": "mutation trial", "again": True}
        if mutant.kind is MutantKind.SETTINGS:
            file = self.place.directory / "ostiary.toml"
            file.write_text(f"{mutant.text}\n{PACE}")
            return body | {"config": str(file)}
        release = self.place.directory / "release"
        shutil.rmtree(release, ignore_errors=True)
        shutil.copytree(self.place.original, release)
        (release / mutant.path).write_text(mutant.text)
        return body | {"releases": {"identity": str(release)}}

    def _follow(self, change: str, *, all_the_way: bool) -> Passage:
        seen: Differences | None = None
        baking_since: float | None = None
        taken_back = False
        deadline = self.place.clock.monotonic() + _END_SECONDS_MAX
        while (now := self.place.clock.monotonic()) < deadline:
            value = self.place.system.guard.get(f"/changes/{change}")
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
            self.place.system.guard.post(f"/changes/{change}/rollback", {"reason": "seen enough"})
        except GuardError:
            return False
        return True

    def _compared(self, snapshot: str) -> Differences:
        """Return what clients see of a candidate that differs from the original."""
        status = self.place.system.guard.get("/status")
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
def proving_ground(kind: MutantKind, seed: int, clock: Clock) -> Iterator[Proving]:
    """Start a system for mutants of a kind; stop it when the block ends.

    Raises `OstiaryError` where it does not come up.
    """
    settings = CHEAP if kind is MutantKind.CODE else written_out()
    settings_toml = f"{settings}\n{PACE}"
    with inhabited(settings_toml, users=_USERS, rate=_RATE, seed=seed, clock=clock) as place:
        system, rng = place.system, SeededRandom(seed + 1)
        token = DataDirectory(system.data).edge_token_file.read_text().strip()
        newcomer = partial(_newcomer, system.guard, rng, count())
        as_edge = AsEdge(token, rng)
        yield Proving(
            place, Observer(system.issuer, newcomer, place.application, as_edge, clock, rng)
        )


def _newcomer(guard: GuardClient, rng: Random, numbers: Iterator[int]) -> Person:
    (person,) = invent_people(1, rng, domain=f"look-{next(numbers)}.invalid")
    create_people(guard, [person])
    return person
