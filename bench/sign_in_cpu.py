"""CPU of identity and edge for one sign-in, against the CPU of one password hash.

Everything is real: the system that `ostiary up` starts, asked through the edge, one request at a
time. One sign-in and one hash alternate, so that both see the same machine and find its caches as
a sign-in does: filled by others. A hash in a loop finds its own memory still in the cache, which
no sign-in does; it is printed beside. CPU is that of all replicas with their hash processes and of
the Envoys, what they use for health checks meanwhile included; the client's own is not in it.

Run: .venv/bin/python bench/sign_in_cpu.py [--rounds N]
"""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass

from _measured import cpu_seconds, edge_site, probe_admin, serving_pids, spread
from argon2 import PasswordHasher

from ostiary.drills.system import DrillSystem, running
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.front_channel import (
    SignInPage,
    enter_password,
    require_signed_in,
    sign_in_page,
)

RATIO_MAX = 1.18
SIGN_INS = 25
FLOWS = 10
HASH_MEMORY_KIB, HASH_TIME_COST, HASH_PARALLELISM = 19_456, 2, 1
SETTINGS = f"""
[identity]
hash_memory_kib = {HASH_MEMORY_KIB}
hash_time_cost = {HASH_TIME_COST}
hash_parallelism = {HASH_PARALLELISM}
"""


@dataclass(frozen=True)
class Round:
    """Mean CPU seconds: a hash between sign-ins, a sign-in POST, a code flow, a hash in a loop."""

    one_hash: float
    sign_in: float
    flow: float
    looped_hash: float


class Hash:
    """The work that a sign-in cannot do without: verifying a password, as the replicas do."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=HASH_TIME_COST, memory_cost=HASH_MEMORY_KIB, parallelism=HASH_PARALLELISM
        )
        self._known = self._hasher.hash("a password to measure by")

    def cpu(self, times: int = 1) -> float:
        """Return the CPU seconds of one, as a mean of so many in a row."""
        began = time.thread_time()
        for _ in range(times):
            self._hasher.verify(self._known, "a password to measure by")
        return (time.thread_time() - began) / times


async def open_forms(actor: Actor) -> list[tuple[Browser, SignInPage]]:
    """Return sign-in forms on new devices; opening one is no part of the POST."""
    forms = []
    for _ in range(SIGN_INS):
        browser = actor.device()
        page = sign_in_page(await browser.get("sign_in_page", "/sign-in"))
        assert page is not None
        forms.append((browser, page))
    return forms


async def one_round(actor: Actor, one_hash: Hash, pids: list[int]) -> Round:
    account = actor.account
    hashes = sign_ins = 0.0
    for browser, page in await open_forms(actor):
        hashes += one_hash.cpu()
        before = cpu_seconds(pids)
        answer = await enter_password(browser, page, account.email, account.password)
        sign_ins += cpu_seconds(pids) - before
        require_signed_in(answer)
    flows = 0.0
    for _ in range(FLOWS):
        one_hash.cpu()
        before = cpu_seconds(pids)
        await actor.login()
        flows += cpu_seconds(pids) - before
    return Round(hashes / SIGN_INS, sign_ins / SIGN_INS, flows / FLOWS, one_hash.cpu(SIGN_INS))


async def measure(system: DrillSystem, rounds: int) -> list[Round]:
    pids = serving_pids(system)
    async with (
        KeptConnections() as transport,
        probe_admin(system) as admin,
        admin.accounts(1) as accounts,
    ):
        site = await edge_site(system, transport)
        actor = site.actor(accounts[0])

        one_hash = Hash()
        await one_round(actor, one_hash, pids)
        return [await one_round(actor, one_hash, pids) for _ in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with running(SETTINGS) as system:
        rounds = asyncio.run(measure(system, options.rounds))
    for name, values in (
        ("one hash, CPU ms:        ", [each.one_hash * 1000 for each in rounds]),
        ("one sign-in POST, CPU ms:", [each.sign_in * 1000 for each in rounds]),
        ("one code flow, CPU ms:   ", [each.flow * 1000 for each in rounds]),
        ("a hash in a loop, CPU ms:", [each.looped_hash * 1000 for each in rounds]),
    ):
        print(f"{name} {spread(values)}")
    sign_ins = [each.sign_in / each.one_hash for each in rounds]
    looped = [each.sign_in / each.looped_hash for each in rounds]
    flows = [each.flow / each.one_hash for each in rounds]
    print(f"sign-in POST / hash:      {spread(sign_ins)}, limit {RATIO_MAX}")
    print(f"code flow / hash:         {spread(flows)}")
    print(f"sign-in POST / looped:    {spread(looped)}")
    print(f"{len(rounds)} rounds of {SIGN_INS} sign-ins and {FLOWS} flows, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
