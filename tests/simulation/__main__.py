"""Simulated changes by the thousand: `python -m tests.simulation`, behind `make simulate`."""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.simulation.campaigns.campaign import Report, run
from tests.simulation.campaigns.guard import EVIDENCE
from tests.simulation.campaigns.regressions import REGRESSIONS
from tests.simulation.confidence import most_by_chance

_SEEDS = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run campaigns for as long as asked; return 0 where every promise was kept."""
    options = _parser().parse_args(arguments)
    first = random.SystemRandom().randrange(_SEEDS) if options.seed is None else options.seed
    print(f"campaigns from seed {first}, and {len(REGRESSIONS)} that once failed", flush=True)
    reports: list[Report] = []
    failed = [report.seed for seed in REGRESSIONS.values() if _failed(report := run(seed))]
    until = time.monotonic() + options.seconds
    while _goes_on(len(reports), options.campaigns, until):
        reports.append(run(first + len(reports)))
        if _failed(reports[-1]):
            failed.append(reports[-1].seed)
            if not options.go_on:
                break
    too_many = _show(reports)
    print(f"failed: {failed or 'none'}")
    return 1 if failed or too_many else 0


def _goes_on(done: int, campaigns: int | None, until: float) -> bool:
    return time.monotonic() < until if campaigns is None else done < campaigns


def _failed(report: Report) -> bool:
    """Tell which promise was broken, and how to see it again."""
    if report.broken is None:
        return False
    print(f"seed {report.seed} FAILED: {report.broken}")
    print(f'again: make simulate ARGS="--seed {report.seed} --campaigns 1"', flush=True)
    return True


def _show(reports: list[Report]) -> bool:
    """Print what was counted; return whether evidence ended too many healthy changes."""
    verdicts: Counter[str] = sum((report.verdicts for report in reports), Counter())
    days = sum(report.seconds for report in reports) / 86_400
    deaths = sum(report.deaths for report in reports)
    checks = sum(report.checks for report in reports)
    print(f"{len(reports)} campaigns, {days:.1f} days, {deaths} deaths of guards, {checks} checks")
    print(f"{sum(verdicts.values())} changes: " + ", ".join(_counted(verdicts)))
    judged = sum(report.judged for report in reports)
    falsely = sum(report.falsely_ended for report in reports)
    most = most_by_chance(judged, EVIDENCE.alpha)
    print(f"{falsely} of {judged} healthy changes ended by evidence; {most} could be chance")
    return falsely > most


def _counted(verdicts: Counter[str]) -> list[str]:
    return [f"{count} {verdict}" for verdict, count in verdicts.most_common()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=30.0, help="for how long (default: 30)")
    add("--seed", type=int, help="the first seed (default: a random one, which is printed)")
    add("--campaigns", type=int, help="how many campaigns, in place of --seconds")
    add("--go-on", action="store_true", help="do not stop at the first seed that fails")
    return parser


if __name__ == "__main__":
    sys.exit(main())
