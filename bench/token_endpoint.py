"""Token endpoint and introspection under sign-in load, against `oidc-provider` from npm.

Each server is one process that is asked directly, without an edge: the replica that `ostiary up`
starts, with its store on disk, and the peer, which keeps everything in memory. Both sign access
tokens as ES256 JWT. Introspection asks about one token again and again, as an application does that
gets many requests with it. Meanwhile each verifies passwords at the same rate: the replica whole
sign-ins, the peer a hash in its thread pool, made to cost what the replica's hash costs. The two
take turns, so that both see the same machine. Needs Node and npm.

Run: .venv/bin/python bench/token_endpoint.py [--seconds N] [--rounds N] [--sign-ins N]
"""

import argparse
import asyncio
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from _measured import admin_token, admin_url, spread
from _saturation import CONNECTIONS, Measured, measure, request
from argon2 import PasswordHasher

from ostiary.drills.system import DrillSystem, running
from ostiary.watch.journeys.admin_api import AdminApi
from ostiary.watch.relying_party.forms import find_password_form

PEER = Path(__file__).parent / "peer"
PEER_SECRET = "s" * 43
SETTINGS = "[identity]\nreplicas = 1\n"


@dataclass(frozen=True)
class Server:
    """One of the two: its process, and the exact requests that it is sent."""

    name: str
    pid: int
    port: int
    token: bytes
    introspection: bytes
    password: bytes


def sign_in_load(port: int, sent: bytes, per_second: float) -> None:
    """Send one password after the other at a steady rate until killed, whatever the answers."""
    due = time.monotonic()
    while True:
        due += 1 / per_second
        time.sleep(max(0.0, due - time.monotonic()))
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(5)
            connection.sendall(sent)
            answer = connection.recv(64)
            if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 303")):
                raise AssertionError(answer)


@contextmanager
def under_load(server: Server, per_second: float) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(
        target=sign_in_load, args=(server.port, server.password, per_second), daemon=True
    )
    process.start()
    try:
        time.sleep(1)
        yield
        if not process.is_alive():
            raise SystemExit(f"the sign-in load on {server.name} broke off")
    finally:
        process.kill()
        process.join()


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()}


def access_token(url: str, client: dict[str, str], **form: str) -> str:
    answer = httpx.post(url, data={"grant_type": "client_credentials", **form}, headers=client)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def ostiary_server(system: DrillSystem, email: str, password: str) -> Server:
    replica = system.report["replicas"][0]
    url, port = admin_url(system), int(replica["port"])
    token = admin_token(system)
    registered = httpx.post(
        f"{url}/admin/clients",
        headers={"authorization": f"Bearer {token}"},
        json={
            "client_id": "bench",
            "redirect_uris": [],
            "public": False,
            "grants": ["client_credentials"],
        },
    )
    registered.raise_for_status()
    client = basic("bench", registered.json()["client_secret"])
    page = httpx.get(f"{url}/sign-in")
    form = find_password_form(page.text)
    assert form is not None
    fields = dict(form.filled([("email", email), ("password", password)]))
    cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    opened = access_token(f"{url}/oauth2/token", client)
    return Server(
        name="ostiary",
        pid=int(replica["pid"]),
        port=port,
        token=request(port, "/oauth2/token", {"grant_type": "client_credentials"}, client),
        introspection=request(port, "/oauth2/introspect", {"token": opened}, client),
        password=request(port, "/sign-in", fields, {"cookie": cookies}),
    )


@contextmanager
def peer_server(scrypt_cost: int) -> Iterator[Server]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise SystemExit("Node and npm are needed for the peer, and were not found.")
    if not (PEER / "node_modules").is_dir():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=PEER, check=True, stdout=subprocess.DEVNULL)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [node, "server.mjs", str(port), "bench", PEER_SECRET, str(scrypt_cost)],
        cwd=PEER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        while "ready" not in process.stdout.readline():
            if process.poll() is not None:
                raise SystemExit("the peer did not start")
        client, url = basic("bench", PEER_SECRET), f"http://127.0.0.1:{port}"
        opaque = access_token(f"{url}/token", client, resource=f"{url}/opaque")
        yield Server(
            name="oidc-provider",
            pid=process.pid,
            port=port,
            token=request(port, "/token", {"grant_type": "client_credentials"}, client),
            introspection=request(port, "/token/introspection", {"token": opaque}, client),
            password=request(port, "/hash", {}, {}),
        )
    finally:
        process.kill()
        process.wait()


def equal_scrypt_cost() -> int:
    """Return the power of two for scrypt's N whose CPU comes nearest to one Argon2id hash."""
    from hashlib import scrypt  # noqa: PLC0415

    hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    began = time.process_time()
    for _ in range(5):
        hasher.hash("a password to measure by")
    wanted = (time.process_time() - began) / 5
    costs = {}
    for exponent in range(11, 17):
        began = time.process_time()
        scrypt(b"p", salt=b"s" * 16, n=1 << exponent, r=8, p=1, maxmem=1 << 28, dklen=32)
        costs[1 << exponent] = abs(time.process_time() - began - wanted)
    return min(costs, key=costs.__getitem__)


def node_version() -> str:
    command = ["node", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


async def sign_in_account(system: DrillSystem) -> tuple[str, str]:
    """Add an account that stays until the system is gone."""
    email, password = "bench@example.com", "correct horse battery staple"
    async with AdminApi(admin_url(system), admin_token(system)) as admin:
        await admin.create_user(email, password)
    return email, password


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sign-ins", type=float, default=10.0, help="passwords a second")
    options = parser.parse_args()
    results: dict[tuple[str, str], list[Measured]] = {}
    with running(SETTINGS) as system, peer_server(equal_scrypt_cost()) as peer:
        email, password = asyncio.run(sign_in_account(system))
        ours = ostiary_server(system, email, password)
        for _ in range(options.rounds):
            for server in (ours, peer):
                asked = {"token": server.token, "introspection": server.introspection}
                with under_load(server, options.sign_ins):
                    for what, sent in asked.items():
                        measured = measure(server.pid, server.port, sent, options.seconds)
                        results.setdefault((what, server.name), []).append(measured)
    for what in ("token", "introspection"):
        rates = {}
        for name in (ours.name, peer.name):
            found = results[what, name]
            rates[name] = [each.rate for each in found]
            print(
                f"{what:13} {name:13} {spread(rates[name], 0)} a second, "
                f"p50 {statistics.median(each.p50 for each in found):.2f} ms, "
                f"p99 {statistics.median(each.p99 for each in found):.2f} ms, "
                f"CPU {statistics.median(each.cpu for each in found):.3f} ms each"
            )
        ratios = [a / b for a, b in zip(rates[ours.name], rates[peer.name], strict=True)]
        print(f"{what:13} ostiary / oidc-provider: {spread(ratios)}, wanted above 1")
    print(
        f"{options.rounds} rounds of {options.seconds:.0f} s, {CONNECTIONS} connections, "
        f"{options.sign_ins:.0f} passwords a second meanwhile, {os.cpu_count()} cores, "
        f"Node {node_version()}"
    )


if __name__ == "__main__":
    main()
