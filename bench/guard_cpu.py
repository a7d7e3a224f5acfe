"""CPU of the guard and its keeper: at rest, and while users sign in.

Run: .venv/bin/python bench/guard_cpu.py [--seconds N] [--rate N]
"""

import argparse
import asyncio
import json
import os
import time

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


def guard_pids(system: DrillSystem) -> list[int]:
    """Return the guard, and the keeper that restarts it."""
    keeper = json.loads((system.data / "keeper.json").read_text())
    return [int(system.report["guard_pid"]), int(keeper["pid"])]


def percent(pids: list[int], cpu_before: float, began: float) -> float:
    """Return the share of one core since a moment, in percent."""
    return (cpu_seconds(pids) - cpu_before) / (time.perf_counter() - began) * 100


def at_rest(system: DrillSystem, seconds: float) -> float:
    pids = guard_pids(system)
    before, began = cpu_seconds(pids), time.perf_counter()
    time.sleep(seconds)
    return percent(pids, before, began)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rate", type=float, default=20)
    options = parser.parse_args()
    with running("") as system:
        resting = at_rest(system, options.seconds)
        busy = asyncio.run(while_users_sign_in(system, options.seconds, options.rate))
    for name, share in (("at rest:", resting), (f"at {options.rate:g} sign-ins/s:", busy)):
        ratio = share / LIMIT_PERCENT
        print(f"{name:18} {share:.2f} % of a core, limit {LIMIT_PERCENT:g} %; ratio {ratio:.2f}")
    print(f"{options.seconds:g} s each, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
