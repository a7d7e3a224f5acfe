"""`ostiary bench …`: measuring the running system."""

import asyncio
import statistics
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from ostiary.cli.options import DataOption, JsonOption, data_directory
from ostiary.cli.output import Output, Result
from ostiary.guard.client import GuardClient
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import NotRunningError, RefusedError
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.data_directory import DataDirectory
from ostiary.watch.capacity import Capacity, measure_capacity
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.target import Target

app = typer.Typer(help="Measure the running system.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure the running system."""


@app.command("capacity")
def capacity(
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, max=60, help="How long to measure.")
    ] = 5.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how many sign-ins a second one replica does; users wait a little meanwhile."""
    directory = data_directory(data)
    guard = GuardClient(directory)
    status = guard.get("/status")
    _require_calm(status)
    targets = _targets(status)
    output = Output(as_json=json)
    output.note(f"Signing in at {len(targets)} replicas for {seconds:g} seconds.")
    token = DataDirectory(directory).admin_token_file.read_text().strip()
    measured = asyncio.run(_measure(targets, token, seconds))
    result: Result = {
        "snapshot": status["serving"],
        "seconds": seconds,
        "sign_ins_per_second": round(
            statistics.fmean(each.sign_ins_per_second for each in measured), 1
        ),
        "replicas": [each.to_json() for each in measured],
    }
    guard.post("/capacity", result)
    output.result(result, _show)


async def _measure(targets: list[Target], token: str, seconds: float) -> list[Capacity]:
    async with ProbeAdmin(targets[0].base_url, token, rng=SystemRandom()) as admin:
        return await measure_capacity(targets, admin, seconds=seconds, clock=SystemClock())


def _require_calm(status: Mapping[str, Any]) -> None:
    """Raise `RefusedError` while a change runs: the figures would weigh on its evidence."""
    if status["change"] is not None:
        raise RefusedError(
            "change_running",
            f"Change {status['change']['change']} is under way; nothing is measured meanwhile.",
            hint="Wait for its end, or end it with `ostiary change rollback`.",
        )


def _targets(status: Mapping[str, Any]) -> list[Target]:
    """Return the replicas of the last good snapshot at their own ports."""
    targets = [
        Target(
            name=str(replica["name"]),
            base_url=f"http://127.0.0.1:{replica['port']}",
            issuer=str(status["issuer"]),
            snapshot=str(replica["snapshot"]),
        )
        for replica in status["replicas"]
        if replica["snapshot"] == status["serving"]
    ]
    if not targets:
        raise NotRunningError(
            "no_replica", "No replica of the last good snapshot runs.", hint="See `ostiary status`."
        )
    return targets


def _show(console: Console, result: Result) -> None:
    for replica in result["replicas"]:
        console.print(
            f"{replica['name']}  {replica['sign_ins_per_second']:>7.1f} sign-ins/s  "
            f"p50 {replica['p50_ms']:.0f} ms  p99 {replica['p99_ms']:.0f} ms",
            markup=False,
        )
    console.print(
        f"\nOne replica does {result['sign_ins_per_second']} sign-ins a second. "
        "`ostiary status` shows the load from now on.",
        markup=False,
    )
