"""`ostiary drill …`: replaying outages on real processes."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ostiary.cli.mutants import mutants
from ostiary.cli.options import DataOption, JsonOption
from ostiary.cli.output import Output, Result
from ostiary.drills.runner import DrillOrder, meets_expectation, run_drill
from ostiary.drills.scenarios import SCENARIOS, Mode, find_scenarios
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.ids import SystemRandom

app = typer.Typer(help="Outages, replayed on real processes.", no_args_is_help=True)
app.command()(mutants)
_STAGES = ("rehearse", "canary", "bake")


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List the drills."""
    del data  # A drill uses a data directory of its own; the option is there as everywhere.
    drills = [
        {
            "drill": scenario.name,
            "title": scenario.title,
            "modes": [Mode.UNGUARDED.value, Mode.GUARDED.value],
            "outage_share": scenario.outage_share,
            "outage_minutes": scenario.outage_minutes,
        }
        for scenario in SCENARIOS.values()
    ]
    Output(as_json=json).result({"drills": drills}, _show_list)


@app.command("run")
def run(
    names: Annotated[list[str], typer.Argument(metavar="NAME...|all", help="Which drills.")],
    mode: Annotated[Mode, typer.Option("--mode", help="What stands before the users.")] = (
        Mode.GUARDED
    ),
    from_stage: Annotated[
        str | None,
        typer.Option("--from", metavar="STAGE", help="Where the guard begins: rehearse, canary."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Repeats a run's arrivals and choices.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Run drills, each on a system of its own; exit code 3 where one does not go as it must."""
    del data
    if from_stage is not None and (mode is not Mode.GUARDED or from_stage not in _STAGES):
        raise UsageError(
            "stage_unknown",
            f"--from {from_stage} does not fit --mode {mode.value}.",
            hint=f"With --mode guarded, write one of {', '.join(_STAGES)}.",
        )
    output = Output(as_json=json)
    chosen = seed if seed is not None else int(SystemRandom().hex(4), 16)
    results, met = [], True
    for scenario in find_scenarios(names):
        order = DrillOrder(scenario, mode, from_stage, chosen)
        score = run_drill(order, SystemClock(), output.note)
        met = met and meets_expectation(score, order)
        results.append(score.to_json())
    output.result({"drills": results, "seed": chosen}, _show_results)
    return int(ExitCode.DONE if met else ExitCode.REFUSED)


def _show_list(console: Console, value: Result) -> None:
    table = Table("drill", "what happened", "users hit", "restored after", box=None)
    for drill in value["drills"]:
        table.add_row(
            drill["drill"],
            drill["title"],
            f"{drill['outage_share']:.0%}",
            f"{drill['outage_minutes']} min",
        )
    console.print(table)


def _show_results(console: Console, value: Result) -> None:
    table = Table(
        "drill", "mode", "verdict", "stage", "users affected", "hidden", "wrong yes", "", box=None
    )
    for drill in value["drills"]:
        users = drill["users"]
        share = users["affected"] / users["total"] if users["total"] else 0.0
        outage = SCENARIOS[drill["drill"]]
        table.add_row(
            drill["drill"],
            drill["mode"] + (f" from {drill['from']}" if drill["from"] else ""),
            drill["verdict"] or "none",
            drill["stage"] or "",
            f"{users['affected']} of {users['total']} ({share:.0%}; "
            f"in the outage {outage.outage_share:.0%})",
            str(drill["actions"]["hidden"] if drill["actions"]["hidden"] is not None else ""),
            str(drill["actions"]["wrong_yes"]),
            "void: " + ", ".join(drill["void_reasons"]) if drill["void"] else "",
        )
    console.print(table)
