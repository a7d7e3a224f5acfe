"""`ostiary drill …`: replaying outages on real processes."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ostiary.cli.mutants import mutants
from ostiary.cli.options import JsonOption
from ostiary.cli.output import Output, Result
from ostiary.drills.mode import Mode
from ostiary.drills.report.page import require_writable, write_report
from ostiary.drills.report.words import end_in_words
from ostiary.drills.runner import run_drill
from ostiary.drills.scenarios.catalogue import find_scenarios, known_scenarios
from ostiary.drills.scenarios.reading import Scenario
from ostiary.drills.ways import ModeChoice, orders_of
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.ids import SystemRandom

app = typer.Typer(help="Outages, replayed on real processes.", no_args_is_help=True)
app.command()(mutants)
_SEED_MAX = 2**32 - 1

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="DRILL...",
        help="Names of `drill list`, files of your own such as own/login.toml, or a group: all, "
        "which is every outage, or conditions.",
    ),
]
ModeOption = Annotated[
    ModeChoice,
    typer.Option(
        "--mode",
        help="Whether the bad change is proposed to the guard, or replaces what was there; all is "
        "unguarded, guarded, and guarded from canary.",
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STAGE",
        help="Guarded, skip what comes before this stage: rehearse, canary or bake.",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        max=_SEED_MAX,
        help="Repeats the arrivals and choices of an earlier run, which printed it.",
    ),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a page of HTML with charts.")
]
NoDataOption = Annotated[
    Path | None, typer.Option("--data", help="Not used: a drill has a data directory of its own.")
]
"""The option is there as everywhere, so that scripts need not know which commands take it."""


@app.command("list")
def list_(data: NoDataOption = None, json: JsonOption = False) -> None:
    """List the drills that come with Ostiary."""
    del data
    drills = [_listed(scenario) for scenario in known_scenarios()]
    Output(as_json=json).result({"drills": drills}, _show_list)


@app.command("run")
def run(
    names: Names,
    mode: ModeOption = ModeChoice.GUARDED,
    from_stage: FromOption = None,
    seed: SeedOption = None,
    report: ReportOption = None,
    data: NoDataOption = None,
    json: JsonOption = False,
) -> int:
    """Run drills, each on a system of its own; exit code 3 where one does not go as it must."""
    del data
    chosen = seed if seed is not None else int(SystemRandom().hex(4), 16)
    orders = orders_of(find_scenarios(names), mode, from_stage, chosen)
    if report is not None:
        require_writable(report)
    output = Output(as_json=json)
    clock = SystemClock()
    drills = [run_drill(order, clock, output.note) for order in orders]
    unwritten = None
    try:
        if report is not None:
            write_report(report, drills, now=clock.now())
    except UsageError as problem:
        # The disk may have filled up in these minutes; the results are worth having all the same.
        unwritten = problem
    value = {"drills": [drill.to_json() for drill in drills], "seed": chosen}
    output.result(value, _show_results)
    if unwritten is not None:
        output.note(str(unwritten))
        return int(unwritten.exit_code)
    return int(ExitCode.REFUSED if any(drill.unmet for drill in drills) else ExitCode.DONE)


def _listed(scenario: Scenario) -> dict[str, Any]:
    outage = scenario.content.outage
    return {
        "drill": scenario.name,
        "group": scenario.content.group,
        "title": scenario.content.title,
        "modes": [Mode.UNGUARDED.value, Mode.GUARDED.value],
        "outage_share": None if outage is None else outage.users_hit,
        "outage_minutes": None if outage is None else outage.minutes,
    }


def _show_list(console: Console, value: Result) -> None:
    table = Table(box=None)
    table.add_column("drill", no_wrap=True)
    for heading in ("group", "what happened", "the outage"):
        table.add_column(heading)
    for drill in value["drills"]:
        share, minutes = drill["outage_share"], drill["outage_minutes"]
        figures = "" if share is None else f"{share:.0%}, {minutes} min"
        table.add_row(drill["drill"], drill["group"], drill["title"], figures)
    console.print(table)


def _show_results(console: Console, value: Result) -> None:
    """Print a table for each way, with the outage's own figures beside ours."""
    ways: dict[tuple[str, str | None], list[Result]] = {}
    for drill in value["drills"]:
        ways.setdefault((drill["mode"], drill["from"]), []).append(drill)
    for number, ((mode, started), drills) in enumerate(ways.items()):
        if number:
            console.print()
        words = f"{mode}, from {started}" if started else mode
        console.print(f"{words}; behind each stroke: the outage itself\n")
        _show_way(console, drills)


def _show_way(console: Console, drills: list[Result]) -> None:
    """Print a row for each drill of one way, and what was not met."""
    table = Table("drill", "ended", "affected", "restored", "hidden", "", box=None)
    for drill in drills:
        outage = drill["outage"] or {"users_hit": None, "minutes": None}
        table.add_row(
            drill["drill"],
            end_in_words(drill),
            _affected(drill, outage["users_hit"]),
            _restored(drill, outage["minutes"]),
            _count(drill["actions"]["hidden"]),
            "met" if drill["met"] else "void" if drill["void"] else "not met",
        )
    console.print(table)
    for drill in drills:
        for line in drill["unmet"]:
            console.print(f"{drill['drill']}: {line}", markup=False)


def _affected(drill: Result, outage_share: float | None) -> str:
    share = "-" if drill["void"] else f"{drill['affected_share']:.0%}"
    beside = "" if outage_share is None else f" / {outage_share:.0%}"
    counted = "" if drill["counted"] == "users" else f" {drill['counted']}"
    return f"{share}{beside}{counted}"


def _restored(drill: Result, outage_minutes: int | None) -> str:
    seconds = drill["restored_after_s"]
    ours = "never" if seconds is None else f"{seconds:.0f} s"
    if not drill["users"]["affected"] or drill["void"]:
        ours = "-"
    return ours if outage_minutes is None else f"{ours} / {outage_minutes} min"


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)
