"""`ostiary drill mutants`: hundreds of small faults, and where each one is stopped."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ostiary.cli.options import DataOption, JsonOption
from ostiary.cli.output import Output, Result
from ostiary.drills.mutants.cache import default_directory
from ostiary.drills.mutants.model import MutantKind
from ostiary.drills.mutants.scoring import meets_expectation, score_to_json
from ostiary.drills.mutants.trial import TrialOrder, run_trial
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode
from ostiary.kernel.ids import SystemRandom

_MEANINGS = {
    "check": "stopped at check",
    "rehearse": "stopped in rehearsal",
    "canary": "stopped in canary",
    "bake": "stopped in bake",
    "harmless": "harmless: nobody could tell it from the original",
    "reworded": "harmless but for what it says to people",
    "escaped": "escaped",
    "unjudged": "passed; identity's tests are not here to judge it",
}
_DIFF_LINES = 12


def mutants(
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="How many.")] = 200,
    seed: Annotated[int | None, typer.Option("--seed", help="Repeats a trial's faults.")] = None,
    kind: Annotated[
        MutantKind, typer.Option("--kind", help="Faults in the code, or in the settings.")
    ] = MutantKind.CODE,
    canary_each: Annotated[
        int,
        typer.Option(
            "--canary-each",
            metavar="N",
            min=0,
            help="Let each N-th mutant that passes its rehearsal go through canary and bake; "
            "0 is none.",
        ),
    ] = 10,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="Where results are kept for the next trial.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Propose small random faults as changes; exit code 3 where clients can tell what got through.

    The trial has a system of its own, with people on it.
    """
    del data  # A drill uses a data directory of its own; the option is there as everywhere.
    output = Output(as_json=json)
    chosen = seed if seed is not None else int(SystemRandom().hex(4), 16)
    order = TrialOrder(count, chosen, kind, canary_each, cache or default_directory())
    trials = run_trial(order, SystemClock(), output.note)
    output.result({"seed": chosen, "kind": kind.value, **score_to_json(trials)}, _show)
    return int(ExitCode.DONE if meets_expectation(trials) else ExitCode.REFUSED)


def _show(console: Console, value: Result) -> None:
    for each in value["escapes"]:
        console.print(f"[bold]{each['mutant']}: {escape(each['file'])}:{each['line']}[/bold]")
        for line in each["diff"].splitlines()[2 : 2 + _DIFF_LINES]:
            console.print(f"  {escape(line)}", highlight=False)
        for line in each["seen"]:
            console.print(f"  a client sees: {escape(line)}", highlight=False)
        for line in each["tests"]:
            console.print(f"  a test fails: {escape(line)}", highlight=False)
        console.print()
    table = Table("what became of them", "mutants", "", box=None)
    for end, number in value["ends"].items():
        if number:
            table.add_row(_MEANINGS[end], str(number), f"{number / value['mutants']:.0%}")
    console.print(table)
    console.print(
        f"seed {value['seed']}: {value['mutants']} mutants of {value['kind']}; "
        f"{value['users_affected']} users affected; escaped: {value['ends']['escaped']}, of which "
        f"{value['unnoticed_by_clients']} change nothing that a client was shown"
    )
