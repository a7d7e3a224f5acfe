"""Replaying in a rehearsal what stopped an earlier change, which its successor claims to mend."""

from collections.abc import Callable, Sequence

from ostiary.changes.events import Rehearsed
from ostiary.changes.model import Reason
from ostiary.changes.terms import Replay
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.pinned import run_quick_journeys
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyReport
from ostiary.watch.relying_party.target import Target

ROUNDS = 4
"""How often every probe account walks again. A fault that hit one sign-in in twenty at random
escapes nine accounts in four rounds with a probability of 0.16, one in eight with 0.008."""


async def run_replay(
    replay: Replay,
    candidates: Sequence[Target],
    accounts: Sequence[ProbeAccount],
    *,
    admin: Callable[[], ProbeAdmin],
    clock: Clock,
    rng: Random,
) -> Rehearsed:
    """Walk the quick set with every account, several times over. Raises `AdminApiError`."""
    async with admin() as opened:
        report = await run_quick_journeys(
            candidates, accounts=[*accounts] * ROUNDS, clock=clock, rng=rng, admin=opened
        )
    failures = replay_reasons(replay, report)
    notes = () if failures else (replayed(replay, report),)
    return Rehearsed(passed=not failures, failures=failures, notes=notes)


def replay_reasons(replay: Replay, report: JourneyReport) -> tuple[Reason, ...]:
    """Return why the replay is no proof; empty where it is.

    Every stratum in which the earlier change failed must have been walked, and nothing may fail.
    """
    unproven = sorted(replay.strata - report.strata_passed - report.strata_failed)
    failures = tuple(
        Reason(
            "replay_failed",
            f"What stopped {replay.change} still happens: {failure}",
            {"stratum": failure.stratum, "journey": failure.journey, "step": failure.step},
        )
        for failure in report.failures[:5]
    )
    if failures or not unproven:
        return failures
    return (
        Reason(
            "replay_impossible",
            f"What stopped {replay.change} happened in {', '.join(unproven)}, where no journey "
            "goes: a rehearsal cannot show that it is mended.",
            {"stratum": unproven[0]},
        ),
    )


def replayed(replay: Replay, report: JourneyReport) -> Reason:
    """Return the note that what stopped the earlier change no longer happens."""
    where = f" in {', '.join(sorted(replay.strata))}" if replay.strata else ""
    return Reason(
        "replayed",
        f"What stopped {replay.change}{where} was tried again: {report.journeys} journeys passed.",
        {"journeys": report.journeys},
    )
