"""`ostiary verdict …`: whether rollouts that others drive may go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from ostiary.cli.options import (
    DataOption,
    JsonOption,
    SocketOption,
    data_directory,
    guard_client,
    required_token,
)
from ostiary.cli.output import Output, Result
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import NotRunningError

_STYLES = {"go": "green", "undecided": "yellow", "stop": "bold red"}
app = typer.Typer(
    help="Verdicts about rollouts that Argo Rollouts, Flagger or others drive.",
    no_args_is_help=True,
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The rollout's name.")]


@app.callback()
def _group() -> None:
    """Verdicts about rollouts that Argo Rollouts, Flagger or others drive."""


@app.command("serve")
def serve(
    config: Annotated[
        Path, typer.Option("--config", help="Settings file with [guard.verdicts].")
    ] = Path("ostiary.toml"),
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Serve verdicts until Ctrl-C or SIGTERM: a process of its own, without a login service."""
    # The composition root takes longer to import than most commands take.
    from ostiary.cli import verdict_wiring  # noqa: PLC0415

    output = Output(as_json=json)
    verdict_wiring.serve(
        config.expanduser(),
        data_directory(data),
        ready=lambda value: output.result(value, _show_ready),
    )


@app.command("list")
def list_verdicts(
    data: DataOption = None, socket: SocketOption = None, json: JsonOption = False
) -> None:
    """Show every rollout with its verdict."""
    value = _called(lambda: guard_client(data, socket).get("/verdicts"))
    Output(as_json=json).result(value, _show_list)


@app.command("show")
def show(
    name: NameArgument,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Show a rollout's verdict, its reasons and the numbers behind them."""
    value = _called(lambda: guard_client(data, socket).get(_path(name)))
    Output(as_json=json).result(value, _show)


@app.command("reset")
def reset(
    name: NameArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with the reset.")],
    revision: Annotated[
        str | None, typer.Option("--revision", help="Another revision than the present one.")
    ] = None,
    data: DataOption = None,
    socket: SocketOption = None,
    json: JsonOption = False,
) -> None:
    """Forget what is known of a revision, a stop included: its trial begins anew."""
    body = {"reason": reason, "revision": revision}
    value = _called(lambda: guard_client(data, socket).post(f"{_path(name)}/reset", body))
    Output(as_json=json).result(value, _show)


@app.command("post")
def post(  # noqa: PLR0917 - its options
    name: NameArgument,
    to: Annotated[str, typer.Option("--to", help="Address of the verdict service.")],
    prometheus: Annotated[str, typer.Option("--prometheus", help="Address of Prometheus.")],
    requests: Annotated[
        str,
        typer.Option(
            "--requests",
            help="PromQL: total requests per label `arm` (canary, stable), `route` and `source`.",
        ),
    ],
    faults: Annotated[str, typer.Option("--faults", help="PromQL: those that failed (5xx).")],
    refusals: Annotated[
        str | None, typer.Option("--refusals", help="PromQL: those that were refused (4xx).")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option("--share", help="PromQL: the new version's share of the traffic, in percent."),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", min=1, max=300, help="Seconds between readings.")
    ] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Post one reading and end.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Take both versions' counters from Prometheus and post them, until Ctrl-C or SIGTERM."""
    del data  # every command takes it
    from ostiary.cli.verdict_posting import poster  # noqa: PLC0415 - as above
    from ostiary.guard.verdicts.posting import Queries  # noqa: PLC0415

    token = required_token()
    output, queries = Output(as_json=json), Queries(requests, faults, refusals, share)
    with poster(prometheus=prometheus, service=to, token=token, clock=SystemClock()) as posting:
        if not once:
            posting.post_for_ever(name, queries, seconds=every, tell=output.note)
        output.result({"verdict": posting.post(name, queries)}, _show_posted)


def _show_posted(console: Console, value: Result) -> None:
    if value["verdict"] is None:
        console.print("Nobody has asked about a revision yet, so nothing was posted.")
    else:
        _show(console, value["verdict"])


def _path(name: str) -> str:
    return f"/verdicts/{quote(name, safe='')}"


def _called(call: Callable[[], Result]) -> Result:
    """Return the service's answer; one that does not run is told how to start it."""
    try:
        return call()
    except NotRunningError as error:
        error.message = error.message.replace("guard", "verdict service")
        if "ostiary up" in error.hint:
            error.hint = "Start it with `ostiary verdict serve`, or name its data with --data."
        raise


def _show_ready(console: Console, value: Result) -> None:
    names = ", ".join(value["rollouts"])
    console.print(f"Verdicts are served at {value['url']}, about {names}.", markup=False)


def _show_list(console: Console, value: Result) -> None:
    for each in value["verdicts"]:
        console.print(_line(each))


def _show(console: Console, value: Result) -> None:
    console.print(_line(value))
    for reason in value["reasons"]:
        console.print(Text(f"  {'why':<10} {reason['text']}"))
    evidence = value["evidence"]
    if evidence is None:
        return
    said = f"E = {evidence['e_value']:.4g}, stops at {evidence['stops_at']:.4g}"
    runs = f"{evidence['journey_runs']} runs, {evidence['failed_at_canary_only']} failed at the "
    runs += f"canary only, {evidence['failed_at_stable_only']} at the stable version only"
    rows = [("evidence", said), ("journeys", runs)]
    for name, passes in evidence["passes"].items():
        rows.append(("", f"{name}: passed {passes} in a row, {evidence['passes_min']} needed"))
    for route, counts in evidence["routes"].items():
        arms = "; ".join(f"{arm} {_counts(counts[arm])}" for arm in ("canary", "stable"))
        rows.append(("counts", f"{route}: {arms}{', harmless' if counts['harmless'] else ''}"))
    for label, text in rows:
        console.print(Text(f"  {label:<10} {text}", style="dim"))


def _counts(counts: Result) -> str:
    return f"{counts['faults']} faults, {counts['refusals']} refusals of {counts['requests']}"


def _line(value: Result) -> Text:
    line = Text(f"{value['rollout']} ", style="bold")
    line.append(value["verdict"], style=_STYLES[value["verdict"]])
    line.append(f"  {value['revision'] or 'no revision yet'}", style="dim")
    return line
