"""The program: `python -m tests.matrix`, behind `make soak`."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ostiary.kernel.ids import SystemRandom
from tests.matrix.planning import Plan, Store, make_plan
from tests.matrix.run import Report, run_plan

_SEEDS = 1_000_000
_SHOWN_MAX = 25


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds one after the other; return 0 where every promise was kept."""
    options = _parser().parse_args(arguments)
    # As with Ctrl-C: whatever ends this program, the system under test is stopped first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    first = options.seed
    if first is None:
        first = int(SystemRandom().uniform() * _SEEDS)
    only = None if options.only is None else {int(n) for n in options.only.split(",")}
    failed = []
    for seed in range(first, first + options.seeds):
        store = None if options.store is None else Store(options.store)
        plan = make_plan(seed, options.seconds, store=store, count=options.faults, only=only)
        _show_plan(plan)
        if options.plan:
            continue
        directory = Path(tempfile.mkdtemp(prefix="ostiary-soak-"))
        report = asyncio.run(run_plan(plan, directory, rate=options.rate, tell=print))
        show_report(report)
        if report.broken:
            failed.append(seed)
            print(f"seed {seed} FAILED; everything is kept in {directory}")
            print(f"replay: {_replay(seed, options)}", flush=True)
            if not options.go_on:
                return 1
        else:
            shutil.rmtree(directory)
            print(f"seed {seed} passed", flush=True)
    if not options.plan:
        print(f"{options.seeds - len(failed)} of {options.seeds} seeds passed; failed: {failed}")
    return 1 if failed else 0


def show_report(report: Report) -> None:
    """Print what was counted, and every broken promise with its moment in the run."""
    for line in report.summary:
        print(f"     {line}")
    for promise, count in Counter(one.promise for one in report.broken).items():
        print(f"BROKEN {count} x: {promise}")
    for one in report.broken[:_SHOWN_MAX]:
        at = f"at {one.at - report.started_at:.1f} s" if one.at else "at the end"
        print(f"  {one.promise}, {at}: {one.text}")


def _show_plan(plan: Plan) -> None:
    change = "" if plan.change_at is None else f", a change at {plan.change_at:.1f} s"
    print(f"seed {plan.seed}: {plan.seconds:.0f} s on {plan.store}{change}")
    for fault in plan.faults:
        print(f"  planned {fault}", flush=True)


def _replay(seed: int, options: argparse.Namespace) -> str:
    parts = [f"--seed {seed}", f"--seconds {options.seconds:g}", f"--rate {options.rate:g}"]
    parts += [
        f"--{name} {value}"
        for name in ("store", "faults", "only")
        if (value := getattr(options, name)) is not None
    ]
    return f'make soak ARGS="{" ".join(parts)}"'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    add = parser.add_argument
    add("--seeds", type=int, default=1, help="how many seeds, one after the other")
    add("--seed", type=int, help="the first seed (default: a random one, which is printed)")
    add("--seconds", type=float, default=60.0, help="how long users come in each run")
    add("--rate", type=float, default=5.0, help="arrivals a second")
    add("--faults", type=int, help="how many faults (default: one in 4.5 seconds)")
    add("--store", choices=[store.value for store in Store], help="the database of all seeds")
    add("--only", metavar="I,J", help="carry out only these entries of the schedule")
    add("--plan", action="store_true", help="print the schedules and run nothing")
    add("--go-on", action="store_true", help="do not stop at the first seed that fails")
    return parser


if __name__ == "__main__":
    sys.exit(main())
