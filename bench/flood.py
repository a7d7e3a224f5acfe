"""Five times as many sign-ins as can be served, and who gets through meanwhile.

Everything is real: the system that `ostiary up` starts with its defaults, asked through the edge.
Its capacity is measured first, by as many sign-ins as it takes. Then users on known browsers sign
in at a moderate rate while tokens are verified (userinfo, introspection, published keys): once
without and once with a flood of sign-ins for other addresses, by unknown browsers, from networks
that change all the time. All loads but the capacity's are open loops. Nobody tries again: a known
user's sign-in that is not answered by a redirect within five seconds has failed.

The load generators share the machine's cores; what they take is printed.

Run: .venv/bin/python bench/flood.py [--seconds N] [--times F]
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from _lanes import Lane, Tally, open_loop, percentile, request_bytes, timed
from _measured import cpu_seconds, edge_site, probe_admin, serving_pids

from ostiary.drills.system import DrillSystem, running
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.relying_party.connections import KeptConnections

USERS = 24
SIGN_INS_PER_SECOND = 5.0
CHECKS_PER_SECOND = 30.0
BEFORE_SECONDS = 15.0
CAPACITY_SECONDS = 6.0
CAPACITY_LANES = 8
SHARE_MIN = 0.95
CHECKS = ("userinfo", "introspect", "keys")
FLOOD = Path(__file__).with_name("_flood_traffic.py")
FOUND, ANSWER_SECONDS_MAX = 303, 5.0


@dataclass
class Visitor:
    """A browser with its cookies, on one lane."""

    lane: Lane
    host: str
    cookies: dict[str, str]
    csrf_token: str = ""

    async def open_form(self) -> None:
        """Fetch the form once; its token holds for this browser."""
        cookies, page = await asyncio.to_thread(_form, self.host)
        self.cookies |= cookies
        self.csrf_token = page

    async def sign_in(self, account: ProbeAccount, kind: str, tally: Tally) -> int:
        form = {"csrf_token": self.csrf_token, "email": account.email, "password": account.password}
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = request_bytes("POST", "/sign-in", self.host, {"cookie": cookie}, urlencode(form))
        status = await timed(self.lane, kind, request, tally)
        for name, value in re.findall(rb"set-cookie: ([^=]+)=([^;\r]*)", self.lane.head):
            self.cookies[name.decode()] = value.decode()
        return status


def _form(host: str) -> tuple[dict[str, str], str]:
    import http.client  # noqa: PLC0415 - only here

    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    page = answer.read().decode()
    name, _, value = str(answer.getheader("set-cookie")).partition(";")[0].partition("=")
    connection.close()
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return {name: value}, found.group(1)


class Bench:
    """One system under load."""

    def __init__(self, system: DrillSystem, accounts: list[ProbeAccount]) -> None:
        self.host = urlsplit(system.issuer).netloc
        self.port = urlsplit(system.issuer).port or 80
        self.accounts = accounts
        self.pids = serving_pids(system)

    async def visitor(self, address: str) -> Visitor:
        lane = Lane()
        await lane.open(self.port, address)
        visitor = Visitor(lane, self.host, {})
        await visitor.open_form()
        return visitor

    async def capacity(self) -> float:
        """Return the sign-ins a second that are served when as many are sent as it takes."""
        tally = Tally()
        ends = time.perf_counter() + CAPACITY_SECONDS

        async def keep_signing_in(number: int) -> None:
            visitor = await self.visitor(f"127.0.{number + 10}.1")
            cookies = dict(visitor.cookies)
            while time.perf_counter() < ends:
                visitor.cookies = dict(cookies)
                await visitor.sign_in(self.accounts[number % USERS], "capacity", tally)

        await asyncio.gather(*(keep_signing_in(each) for each in range(CAPACITY_LANES)))
        return tally.count("capacity", FOUND) / CAPACITY_SECONDS

    async def known_users(self) -> list[Visitor]:
        """Return one browser per account that has signed in before, each in its own range."""
        visitors = []
        for number, account in enumerate(self.accounts):
            visitor = await self.visitor(f"127.0.{number + 100}.1")
            status = await visitor.sign_in(account, "first", Tally())
            assert status == FOUND, status
            del visitor.cookies["ostiary_session"]
            visitors.append(visitor)
        return visitors

    async def load(self, visitors: list[Visitor], token: str, seconds: float) -> Tally:
        """Let known users sign in and tokens be verified; return what came back."""
        tally = Tally()
        tasks: set[asyncio.Task[None]] = set()
        free = list(enumerate(visitors))
        checks = self._checks(token)
        lanes = [Lane() for _ in range(12)]
        for number, lane in enumerate(lanes):
            await lane.open(self.port, f"127.0.2.{number + 1}")

        def keep(task: asyncio.Task[None]) -> asyncio.Task[None]:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            return task

        def sign_in(_number: int) -> asyncio.Task[None] | None:
            if not free:
                return None
            number, visitor = free.pop(0)

            async def once() -> None:
                kept = dict(visitor.cookies)
                kept.pop("ostiary_session", None)
                visitor.cookies = kept
                await visitor.sign_in(self.accounts[number], "known", tally)
                free.append((number, visitor))

            return keep(asyncio.ensure_future(once()))

        def check(number: int) -> asyncio.Task[None] | None:
            if not lanes:
                return None
            lane, kind = lanes.pop(), CHECKS[number % len(CHECKS)]

            async def once() -> None:
                await lane.reopen(self.port, f"127.0.2.{number % 250 + 1}")
                await timed(lane, kind, checks[kind], tally)
                lanes.append(lane)

            return keep(asyncio.ensure_future(once()))

        unsent = await asyncio.gather(
            open_loop(SIGN_INS_PER_SECOND, seconds, sign_in),
            open_loop(CHECKS_PER_SECOND, seconds, check),
        )
        await asyncio.gather(*tasks)
        tally.statuses["known", -1] += unsent[0]
        tally.statuses["unsent checks", -1] += unsent[1]
        for lane in lanes:
            lane.close()
        return tally

    def _checks(self, token: str) -> dict[str, bytes]:
        account = self.accounts[0]
        client = b64encode(f"{account.client_id}:{account.client_secret}".encode()).decode()
        return {
            "userinfo": request_bytes(
                "GET", "/oauth2/userinfo", self.host, {"authorization": f"Bearer {token}"}
            ),
            "introspect": request_bytes(
                "POST",
                "/oauth2/introspect",
                self.host,
                {"authorization": f"Basic {client}"},
                urlencode({"token": token}),
            ),
            "keys": request_bytes("GET", "/oauth2/jwks", self.host, {}),
        }

    @asynccontextmanager
    async def flood(self, rate: float, seconds: float) -> AsyncIterator[dict[str, object]]:
        """Flood while the block runs; the result is filled in when it ends."""
        cookies, csrf_token = await asyncio.to_thread(_form, self.host)
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        order = {
            "port": self.port,
            "host": self.host,
            "cookie": cookie,
            "csrf_token": csrf_token,
            "rate": rate,
            "seconds": seconds,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(FLOOD), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        result: dict[str, object] = {}
        writing = asyncio.create_task(process.communicate(json.dumps(order).encode() + b"\n"))
        try:
            yield result
            output, _ = await writing
            result |= json.loads(output)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def token_of(system: DrillSystem, account: ProbeAccount) -> str:
    async with KeptConnections() as transport:
        site = await edge_site(system, transport)
        return (await site.actor(account).login()).tokens.access_token


async def measure(system: DrillSystem, seconds: float, times: float) -> bool:
    async with probe_admin(system) as admin, admin.accounts(USERS) as accounts:
        bench = Bench(system, accounts)
        token = await token_of(system, accounts[0])
        capacity = await bench.capacity()
        print(f"capacity: {capacity:.1f} sign-ins/s through the edge, {os.cpu_count()} cores")
        visitors = await bench.known_users()
        before = await bench.load(visitors, token, min(BEFORE_SECONDS, seconds))
        cpu, own = cpu_seconds(bench.pids), time.process_time()
        async with bench.flood(capacity * times, seconds + 1) as flood:
            await asyncio.sleep(1)
            began = time.perf_counter()
            during = await bench.load(visitors, token, seconds)
            elapsed = time.perf_counter() - began
        cpu, own = cpu_seconds(bench.pids) - cpu, time.process_time() - own
        return report(before, during, flood, (elapsed, cpu, own))


def report(
    before: Tally, during: Tally, flood: dict[str, object], times: tuple[float, float, float]
) -> bool:
    elapsed, cpu, own = times
    cores = elapsed * (os.cpu_count() or 1)
    flooding = float(str(flood["cpu_seconds"]))
    print(f"flood: {flood}")
    print(
        f"share of the machine: service {cpu / cores:.0%}, flood {flooding / cores:.0%}, "
        f"known users and checks {own / cores:.0%}"
    )
    for name, tally in (("before", before), ("flood", during)):
        print(f"{name}: answers {dict(sorted(tally.statuses.items()))}")
    for kind in ("known", *CHECKS):
        pairs = [
            (percentile(t.seconds[kind], 0.5), percentile(t.seconds[kind], 0.99))
            for t in (before, during)
        ]
        (p50, p99), (flood_p50, flood_p99) = pairs
        print(
            f"{kind:<11} p50 {p50 * 1000:6.1f} -> {flood_p50 * 1000:6.1f} ms "
            f"({flood_p50 / p50:.2f}x)   p99 {p99 * 1000:6.1f} -> {flood_p99 * 1000:6.1f} ms "
            f"({flood_p99 / p99:.2f}x)"
        )
    late = sum(value > ANSWER_SECONDS_MAX for value in during.seconds["known"])
    share = (during.count("known", FOUND) - late) / during.count("known")
    checks = sum(during.count(kind, 200) for kind in CHECKS)
    total = sum(during.count(kind) for kind in CHECKS)
    print(f"known users signed in: {share:.1%} (at least {SHARE_MIN:.0%}), no client retry")
    print(f"verifications answered 200: {checks} of {total}")
    return share >= SHARE_MIN and checks == total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=float, default=5.0, help="the flood, in capacities")
    options = parser.parse_args()
    with running("") as system:
        passed = asyncio.run(measure(system, options.seconds, options.times))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
