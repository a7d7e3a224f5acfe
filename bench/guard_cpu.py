"""CPU of the guard and its keeper: without users, at 10 and at 1,000 requests a second, and while
users sign in; the first three without a change and during a canary.

The requests are for the discovery document, through the edge, on kept connections: the guard never
sees a request, it reads what the edge has counted. So the limit is the same at any rate. The canary
is one that flips a flag and stays at half of the traffic. What the generator could not send is
told; the machine is then too busy for the figure to mean much.

Run: .venv/bin/python bench/guard_cpu.py [--seconds N] [--rate N]
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time

from _lanes import Lane, Tally, open_loop, request_bytes, timed
from _measured import admin_token, admin_url, cpu_seconds

from ostiary.drills.ledger import read_ledger
from ostiary.drills.system import DrillSystem, running
from ostiary.drills.traffic import run_traffic
from ostiary.drills.traffic_plan import Application, TrafficPlan, invent_people
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.watch.journeys.admin_api import AdminApi

LIMIT_PERCENT = 3.0
PEOPLE = 20
REDIRECT_URI = "https://app.invalid/callback"
RATES = (0, 10, 1_000)
LANES = 50
CANARY_SECONDS_MAX = 180.0
PACE = "[guard]\nflag_steps = [50, 100]\nstep_seconds_min = 300\nheld_after_seconds = 3600\n"
FLIPPED = "[flags.sign_up_offered]\ndefault = true\nvariant = false\npercent = 100\n"


def guard_pids(system: DrillSystem) -> list[int]:
    """Return the guard, and the keeper that restarts it."""
    keeper = json.loads((system.data / "keeper.json").read_text())
    return [int(system.report["guard_pid"]), int(keeper["pid"])]


def percent(pids: list[int], cpu_before: float, began: float) -> float:
    """Return the share of one core since a moment, in percent."""
    return (cpu_seconds(pids) - cpu_before) / (time.perf_counter() - began) * 100


async def at_rate(system: DrillSystem, seconds: float, rate: float) -> float:
    """Return the share in percent while so many requests a second come through the edge."""
    pids = guard_pids(system)
    host, port = system.issuer.removeprefix("http://").rsplit(":", 1)
    path = "/.well-known/openid-configuration"
    request = request_bytes("GET", path, f"{host}:{port}", {"accept": "application/json"})
    tally, free, tasks = Tally(), [Lane() for _ in range(LANES)], set[asyncio.Task[None]]()
    for number, lane in enumerate(free):
        await lane.open(int(port), f"127.0.3.{number + 1}")

    async def ask(lane: Lane) -> None:
        await timed(lane, "discovery", request, tally)
        if not lane.is_open:
            await lane.open(int(port), f"127.0.3.{LANES + 1}")
        free.append(lane)

    def send(_number: int) -> "asyncio.Task[None] | None":
        if not free:
            return None
        task = asyncio.create_task(ask(free.pop()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    before, began = cpu_seconds(pids), time.perf_counter()
    if rate:
        unsent = await open_loop(rate, seconds, send)
    else:
        unsent = 0
        await asyncio.sleep(seconds)
    share = percent(pids, before, began)
    await asyncio.gather(*tasks)
    for lane in free:
        lane.close()
    answered = tally.count("discovery", 200)
    if unsent or tally.count("discovery") != answered:
        print(f"  {answered} of {rate * seconds:.0f} answered, {unsent} could not be sent")
    return share


def begin_canary(system: DrillSystem) -> None:
    """Flip a flag for half of the traffic; return when the canary has it."""
    file = system.data.with_name("proposed.toml")
    file.write_text(PACE + FLIPPED)
    command = [sys.executable, "-P", "-m", "ostiary.cli", "change", "propose"]
    arguments = ["--config", str(file), "--data", str(system.data)]
    subprocess.run([*command, *arguments], capture_output=True, check=True)
    deadline = time.perf_counter() + CANARY_SECONDS_MAX
    while time.perf_counter() < deadline:
        change = system.guard.get("/status")["change"]
        if change is None:
            raise SystemExit(f"It ended: {system.guard.get('/changes')['changes'][0]}")
        if change["share"] == 0.5:
            return
        time.sleep(0.2)
    raise SystemExit("The change did not come to its canary.")


async def while_users_sign_in(system: DrillSystem, seconds: float, rate: float) -> float:
    """Return the share in percent; the users come whether or not those before were served."""
    pids, rng = guard_pids(system), SystemRandom()
    people = invent_people(PEOPLE, rng)
    async with AdminApi(admin_url(system), admin_token(system)) as api:
        for person in people:
            await api.create_user(person.email, person.password, roles=person.roles)
        secret = await api.create_client(
            {"client_id": "app", "redirect_uris": [REDIRECT_URI], "public": False}
        )
    plan = TrafficPlan(
        base_url=system.issuer,
        issuer=system.issuer,
        application=Application(
            client_id="app",
            client_secret=secret,
            redirect_uri=REDIRECT_URI,
            audience=system.issuer,
        ),
        people=tuple(people),
        rate=rate,
        seconds=seconds,
    )
    ledger = system.data.parent / "ledger"
    before, began = cpu_seconds(pids), time.perf_counter()
    await run_traffic(plan, ledger, clock=SystemClock(), rng=rng, stop=asyncio.Event())
    share = percent(pids, before, began)
    entries = read_ledger(ledger).entries
    print(f"{len(entries)} actions of users, {sum(not each.ok for each in entries)} failed")
    return share


def tell(name: str, share: float) -> None:
    ratio = share / LIMIT_PERCENT
    print(
        f"{name:25} {share:5.2f} % of a core, limit {LIMIT_PERCENT:g} %; ratio {ratio:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    with running(PACE) as system:
        for rate in RATES:
            tell(f"{rate} requests/s", asyncio.run(at_rate(system, options.seconds, rate)))
        busy = asyncio.run(while_users_sign_in(system, options.seconds, options.rate))
        tell(f"{options.rate:g} sign-ins/s", busy)
        begin_canary(system)
        for rate in RATES:
            share = asyncio.run(at_rate(system, options.seconds, rate))
            tell(f"canary, {rate} requests/s", share)
    load = os.getloadavg()[0]
    print(f"{options.seconds:g} s each, {os.cpu_count()} cores, load {load:.1f} at the end")


if __name__ == "__main__":
    main()
