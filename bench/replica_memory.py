"""Memory of one replica: at rest, and after sign-ins and tokens, against its limit.

Memory is the resident set less what is shared with others (Private_* of /proc/<pid>/smaps_rollup).
The replica is the one that `ostiary up` starts, with the processes that hash for it; it is asked
by real sign-ins through the edge.

Run: .venv/bin/python bench/replica_memory.py [--visits N]
"""

import argparse
import asyncio
from pathlib import Path

from _measured import edge_site, probe_admin, with_children

from ostiary.changes.identity_settings import IdentitySettings
from ostiary.drills.system import DrillSystem, running
from ostiary.watch.relying_party.connections import KeptConnections

TOGETHER = 16


def private_mib(pids: list[int]) -> float:
    """Return the memory that would be free if these processes ended."""
    texts = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    lines = (line for text in texts for line in text.splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


async def visit(system: DrillSystem, visits: int) -> None:
    """Let one user sign in again and again, many visits at once."""
    async with (
        KeptConnections() as transport,
        probe_admin(system) as admin,
        admin.accounts(1) as accounts,
    ):
        site = await edge_site(system, transport)
        actor = site.actor(accounts[0])
        for _ in range(max(1, visits // TOGETHER)):
            await asyncio.gather(*(actor.login() for _ in range(TOGETHER)), return_exceptions=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=640)
    options = parser.parse_args()
    limit = IdentitySettings().memory_max_mib
    with running("[identity]\nreplicas = 1\n") as system:
        pids = with_children(int(system.report["replicas"][0]["pid"]))
        print(f"at rest:            {private_mib(pids):6.0f} MiB")
        for part in (1, 2):
            asyncio.run(visit(system, options.visits // 2))
            used = private_mib(pids)
            done = options.visits // 2 * part
            print(f"after {done:4} visits:  {used:6.0f} MiB, {used / limit:.2f} of the limit")


if __name__ == "__main__":
    main()
