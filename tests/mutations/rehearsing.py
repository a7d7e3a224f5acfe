"""Showing that settings do no harm: a real replica with them passes what a rehearsal asks."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from ostiary.watch.journeys.report import JourneyReport
from ostiary.watch.relying_party.target import Target
from tests.mutations.candidates import Judged
from tests.unit.drills.identity_processes import ADMIN_TOKEN, IdentityProcesses
from tests.unit.drills.repeating import repeated

_CANDIDATES_PER_STORE = 6


def rehearse(
    original: Judged, candidates: Sequence[Judged], directory: Path, *, seconds_max: float
) -> Iterator[tuple[Judged, list[str]]]:
    """Yield each candidate with what its journeys found, as long as there is time for the next.

    The last good version has the original settings and shares the store with the candidate. A
    store is used for a few candidates: each takes one of the eight keys that are published ahead.
    """
    ends_at = time.monotonic() + seconds_max
    for first in range(0, len(candidates), _CANDIDATES_PER_STORE):
        if first and time.monotonic() > ends_at:
            return
        place = directory / f"store-{first}"
        place.mkdir()
        batch = candidates[first : first + _CANDIDATES_PER_STORE]
        yield from _rehearse_on_one_store(original, batch, place, ends_at)


def _rehearse_on_one_store(
    original: Judged, candidates: Sequence[Judged], directory: Path, ends_at: float
) -> Iterator[tuple[Judged, list[str]]]:
    processes = IdentityProcesses(directory)
    try:
        release = processes.copy_release("release")
        last_good = processes.start("last-good", "s-aaaaaaaaaaaa", release, **original.identity)
        for number, candidate in enumerate(candidates):
            if number and time.monotonic() > ends_at:
                return
            name, snapshot = f"candidate-{number}", f"s-{number:012x}"
            target = processes.start(name, snapshot, release, **candidate.identity)
            leeway = candidate.identity["settings"]["leeway_seconds"]
            yield candidate, _failures(target, last_good, leeway)
            processes.stop_last()
    finally:
        processes.close()


def _failures(target: Target, last_good: Target, leeway_seconds: float) -> list[str]:
    """Return the failures of the last try, none where one try went well."""
    report = repeated(lambda: asyncio.run(_journeys(target, last_good, leeway_seconds)))
    return [str(failure) for failure in report.failures]


async def _journeys(target: Target, last_good: Target, leeway_seconds: float) -> JourneyReport:
    rng = SystemRandom()
    async with ProbeAdmin(last_good.base_url, ADMIN_TOKEN, rng=rng) as admin:
        return await run_rehearsal_journeys(
            [target],
            admin=admin,
            clock=SystemClock(),
            rng=rng,
            last_good=last_good,
            accounts=1,
            leeway_seconds=leeway_seconds,
        )
