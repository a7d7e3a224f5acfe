"""The orders API of the examples beside the login service, in one system after the other."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.guard.client import GuardClient
from tests.guarded.callers import calling
from tests.guarded.conftest import QUICK, require_nothing_left
from tests.guarded.test_flag_flip import CALLBACK, access_token
from tests.guarded.test_replicas import runs
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

# The tests go on from where the one before left the system; `tests/workers.py` knows that.
pytestmark = pytest.mark.system

MORE = """stop_seconds_max = 2
[identity]
access_token_seconds = 3600
"""
EXAMPLE = Path(__file__).parents[2] / "examples" / "orders"
START = "\nstart_seconds_max = {}\n"
IN_EXAMPLE, PATIENT = (START.format(seconds) for seconds in (15, 60))


@dataclass(frozen=True, slots=True)
class Shop:
    """A running system with the orders API, and the files that it was started with."""

    system: RunningSystem
    settings: Path

    @property
    def source(self) -> Path:
        return self.settings.parent / "service"

    @property
    def orders(self) -> str:
        return f"{self.system.issuer}/orders"

    def rows(self) -> list[dict[str, Any]]:
        """Return the replicas of the service as status shows them."""
        replicas = self.system.status()["replicas"]
        return [each for each in replicas if each["service"] == "orders"]

    def pids(self) -> list[int]:
        return sorted(row["pid"] for row in self.rows())

    def file(self, *changes: tuple[str, str]) -> Path:
        """Return a settings file like the one that it was started with but for some lines."""
        other, text = self.settings.with_name("other.toml"), self.settings.read_text()
        for written, instead in changes:
            assert text.count(written) == 1, written
            text = text.replace(written, instead)
        other.write_text(text)
        return other

    def release(self, name: str, file: str, written: str, instead: str) -> Path:
        """Return a release that differs in one place from the one that it was started with."""
        made = self.settings.with_name(name)
        shutil.copytree(self.source, made, ignore=shutil.ignore_patterns("__pycache__"))
        text = (made / "orders" / file).read_text()
        assert written in text
        (made / "orders" / file).write_text(text.replace(written, instead))
        return made

    def propose(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        result = call_ostiary("change", "propose", *arguments, "--wait", data=self.system.data)
        return result.returncode, json.loads(result.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("shop") / "orders"
    shutil.copytree(EXAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__"))
    data, settings = directory.parent / "data", directory / "ostiary.toml"
    example = settings.read_text()
    assert IN_EXAMPLE in example
    # All other systems of the tests may be starting now, too.
    settings.write_text(example.replace(IN_EXAMPLE, PATIENT) + QUICK + MORE)
    options = ["--config", str(settings), "--port", str(free_port())]
    try:
        up = run_ostiary("up", "--detach", *options, data=data)
        yield Shop(RunningSystem(data, up, count(1)), settings)
    finally:
        call_ostiary("down", data=data)
        require_nothing_left(data)


@pytest.fixture(scope="module")
def application(shop: Shop) -> dict[str, Any]:
    return shop.system.ostiary("client", "add", "shop", "--redirect-uri", CALLBACK)


@pytest.fixture(scope="module")
def bearer(shop: Shop, application: dict[str, Any]) -> dict[str, str]:
    """Return how somebody shows who they are who has no role."""
    token = access_token(shop.system, shop.system.new_account(), application)
    return {"authorization": f"Bearer {token}"}


def test_people_order_through_the_edge_and_only_clerks_see_all(shop, application, bearer):
    system = shop.system
    clerk = access_token(system, system.new_account("clerk"), application)
    as_clerk = {"authorization": f"Bearer {clerk}"}

    for headers in ({}, {"authorization": "Bearer none"}, {"authorization": "Basic eDp5"}):
        refused = httpx.get(shop.orders, headers=headers)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    made = httpx.post(shop.orders, headers=bearer, json={"item": "tea", "quantity": 2})
    assert (made.status_code, made.json()["item"]) == (201, "tea")
    assert httpx.post(shop.orders, headers=bearer, json={"item": 3}).status_code == 400

    # Whichever replica answers: they share the data directory of the service.
    for _ in range(4):
        assert httpx.get(shop.orders, headers=bearer).json() == {"orders": [made.json()]}
        assert httpx.get(shop.orders, headers=as_clerk).json() == {"orders": []}
    assert httpx.get(f"{shop.orders}/all", headers=bearer).status_code == 403
    assert httpx.get(f"{shop.orders}/all", headers=as_clerk).json() == {"orders": [made.json()]}
    # What is not below the route is identity's.
    assert httpx.get(f"{system.issuer}/health").status_code == 404
    assert httpx.get(f"{system.issuer}/sign-in").status_code == 200


def test_status_shows_its_replicas_and_the_snapshot_its_release(shop):
    status = shop.system.status()
    rows = shop.rows()

    assert [row["share"] for row in rows] == [0.5, 0.5]
    assert {row["snapshot"] for row in rows} == {status["last_good"]}
    assert sorted(row["seat"] for row in rows) == [0, 1]
    (snapshot,) = shop.system.ostiary("snapshot", "list")["snapshots"]
    assert sorted(snapshot["releases"]) == ["identity", "orders"]
    assert status["replicas_missing"] == []
    assert status["drift"] == []


def test_a_killed_replica_is_replaced_and_people_notice_nothing(shop, bearer):
    before = shop.pids()

    os.kill(before[0], signal.SIGKILL)
    seen = [httpx.get(shop.orders, headers=bearer).status_code for _ in range(20)]

    def healed() -> bool:
        return len(shop.pids()) == 2 and before[0] not in shop.pids()

    wait_for(healed, "the follower")
    assert seen == [200] * 20
    assert before[1] in shop.pids()
    (follower,) = [row for row in shop.rows() if row["pid"] not in before]
    assert (follower["restarts"], follower["last_exit"]["how"]) == (1, "died (signal SIGKILL)")


def test_a_killed_guard_is_followed_by_one_that_adopts_them(shop, bearer):
    before, guard = shop.pids(), json.loads((shop.system.data / "guard.json").read_text())

    os.kill(guard["pid"], signal.SIGKILL)
    seen = [httpx.get(shop.orders, headers=bearer).status_code for _ in range(20)]

    def comes_back() -> bool:
        found = json.loads((shop.system.data / "guard.json").read_text())
        return found["epoch"] != guard["epoch"] and len(shop.pids()) == 2

    wait_for(comes_back, "the next guard")
    assert seen == [200] * 20
    assert shop.pids() == before


def test_what_one_change_cannot_do_is_refused_and_says_what_can_be_done(shop):
    before = shop.pids()
    moved = shop.file(('routes = ["/orders"]', 'routes = ["/orders", "/baskets"]'))
    code, refused = shop.propose("--config", str(moved))
    assert (code, refused["verdict"]) == (3, "refused")
    assert [reason["code"] for reason in refused["reasons"]] == ["services_fixed"]
    assert f"{moved}:7" in refused["reasons"][0]["text"]
    code, said = shop.propose("--config", str(moved), "--force", "--reason", "now")
    assert (code, said["error"]["code"]) == (3, "services_fixed")
    assert "ostiary down" in said["error"]["hint"]

    both = shop.file(
        ("= 3600", "= 1800"), ('ask_again = ["/orders"]', 'ask_again = ["/orders"]\nreplicas = 3')
    )
    code, refused = shop.propose("--config", str(both))
    assert (code, [each["code"] for each in refused["reasons"]]) == (3, ["services_apart"])
    assert "one after the other" in refused["reasons"][0]["text"]
    assert shop.pids() == before
    assert shop.system.status()["change"] is None


@pytest.fixture(scope="module")
def seed_003(shop: Shop) -> Path:
    """Return an update of the middleware in which checking a token raises."""
    right = "        return self._verifier.verify(token.strip())\n"
    return shop.release("seed-003", "who.py", right, '        raise RuntimeError("validation")\n')


def test_an_update_of_the_middleware_that_raises_is_refused_in_rehearsal(shop, seed_003, bearer):
    before = shop.pids()

    with calling(shop.orders, bearer):
        code, change = shop.propose("--release", f"orders={seed_003}")

    assert (code, change["verdict"], change["stage"]) == (4, "refused", "rehearse")
    texts = [reason["text"] for reason in change["reasons"]]
    assert any("services.orders.journeys.own_orders, step listed" in text for text in texts)
    assert any("got HTTP 500" in text for text in texts)
    assert shop.pids() == before


def test_from_canary_it_is_rolled_back_and_no_user_is_affected(shop, seed_003, bearer):
    before = shop.pids()

    with calling(shop.orders, bearer):
        code, change = shop.propose(
            "--release", f"orders={seed_003}", "--from", "canary", "--again"
        )

    assert (code, change["verdict"]) == (5, "rolled_back"), change["reasons"]
    assert change["users_affected"] == 0
    assert change["failed_attempts_hidden"] > 0
    (reason,) = [each for each in change["reasons"] if each["code"] == "harm"][:1]
    assert reason["numbers"]["stratum"] == "service_orders_1_safe"
    assert change["withdrawal"]["journeys_seconds"] is not None
    assert shop.pids() == before
    assert shop.system.status()["change"] is None


@pytest.mark.parametrize(
    ("command", "seconds_max", "told"),
    [
        (
            '["sh", "-c", "echo no database; exit 7"]',
            60,
            "(exit code 7). Its last words: no database",
        ),
        (
            '["sh", "-c", "OSTIARY_PORT=$((OSTIARY_PORT + 1)) exec ${OSTIARY_PYTHON} -m orders"]',
            2,
            "which OSTIARY_PORT tells it",
        ),
        (
            """["sh", "-c", 'trap "" TERM; $OSTIARY_PYTHON -m http.server $OSTIARY_PORT & wait']""",
            8,
            "its health path /health",
        ),
    ],
    ids=["exits", "another port", "ignores SIGTERM"],
)
def test_a_command_that_does_not_serve_is_refused_and_last_good_stays(
    shop, bearer, command, seconds_max, told
):
    before = shop.pids()
    text = shop.file(
        ('["${OSTIARY_PYTHON}", "-m", "orders"]', command), (PATIENT, START.format(seconds_max))
    )

    code, change = shop.propose("--config", str(text))

    assert (code, change["stage"]) == (4, "rehearse")
    assert told in change["reasons"][0]["text"]
    assert shop.pids() == before
    assert httpx.get(shop.orders, headers=bearer).status_code == 200


def test_a_guard_that_dies_in_canary_is_followed_by_one_that_rolls_it_back(shop, bearer):
    before, guard = shop.pids(), json.loads((shop.system.data / "guard.json").read_text())
    release = shop.release("slower", "__init__.py", '"""A small', '"""A slower')

    with calling(shop.orders, bearer):
        change = shop.system.ostiary("change", "propose", "--release", f"orders={release}")

        def shown() -> dict[str, Any]:
            return GuardClient(shop.system.data).get(f"/changes/{change['change']}")

        wait_for(lambda: shown()["share"], "the canary's share")
        os.kill(guard["pid"], signal.SIGKILL)
        ended = wait_for(lambda: shown()["verdict"] and shown(), "the end")

    assert ended["verdict"] == "rolled_back"
    assert "guard_restarted" in [reason["code"] for reason in ended["reasons"]]
    assert shop.pids() == before


def test_a_good_release_is_promoted_and_can_be_taken_back(shop, bearer):
    before, status = shop.pids(), shop.system.status()
    release = shop.release("spoken", "__main__.py", '"healthy": True', '"healthy": "yes"')

    with calling(shop.orders, bearer):
        code, change = shop.propose("--release", f"orders={release}")
        assert (code, change["verdict"]) == (0, "promoted"), change["reasons"]
        promoted, after = shop.pids(), shop.system.status()
        shop.system.ostiary("change", "rollback", change["change"])

        def restored() -> bool:
            now = shop.system.status()
            return now["last_good"] == status["last_good"] and now["change"] is None

        wait_for(restored, "the release before")

    assert not set(promoted) & set(before)
    assert len(promoted) == 2
    assert after["last_good"] == change["snapshot"]
    # People sign in where they did: identity's replicas are the same ones.
    assert after["serving"] == status["serving"]
    assert identity_pids(after) == identity_pids(status)
    assert {row["snapshot"] for row in shop.rows()} == {status["last_good"]}


def identity_pids(status: dict[str, Any]) -> set[int]:
    return {row["pid"] for row in status["replicas"] if row["service"] == "identity"}


def test_while_the_issuer_answers_nobody_tokens_go_on_counting(shop, bearer):
    stopped = identity_pids(shop.system.status())
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        seen = [httpx.get(shop.orders, headers=bearer).status_code for _ in range(20)]
    finally:
        for pid in stopped:
            # A slow machine gives the guard the time to replace one that hangs.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert seen == [200] * 20


def test_a_change_of_identity_leaves_the_service_alone(shop, bearer):
    before = shop.system.status()
    other = shop.file(("= 3600", "= 3599"))

    code, change = shop.propose("--config", str(other), "--reason", "shorter")

    assert (code, change["verdict"]) == (0, "promoted"), change["reasons"]
    after = shop.system.status()
    assert after["last_good"] != before["last_good"]
    pids = {row["pid"] for row in before["replicas"] if row["service"] == "orders"}
    assert set(shop.pids()) == pids
    assert httpx.get(shop.orders, headers=bearer).status_code == 200


def test_down_leaves_nothing_and_up_takes_the_service_as_it_is_now(shop, bearer):
    before = shop.pids()
    assert call_ostiary("down", data=shop.system.data).returncode == 0
    assert not [pid for pid in before if runs(pid)]
    program = shop.source / "orders" / "__main__.py"
    program.write_text(program.read_text().replace('"healthy": True', '"healthy": 2'))
    shop.settings.write_text(
        shop.settings.read_text().replace('routes = ["/orders"]', 'routes = ["/orders", "/health"]')
    )

    up = run_ostiary("up", "--detach", "--config", str(shop.settings), data=shop.system.data)

    again = replace(shop, system=RunningSystem(shop.system.data, up, count(1)))
    assert httpx.get(f"{again.system.issuer}/health").json() == {"healthy": 2}
    # What was ordered is still there.
    assert len(httpx.get(again.orders, headers=bearer).json()["orders"]) == 1


def test_services_that_do_not_come_up_are_told_and_nothing_is_left(tmp_path):
    data, settings, release = tmp_path / "data", tmp_path / "ostiary.toml", tmp_path / "release"
    release.mkdir()
    settings.write_text(
        '[services.orders]\nrelease = "release"\nroutes = ["/orders"]\nstart_seconds_max = 5\n'
        'command = ["sh", "-c", "echo no database; exit 7"]\n'
    )
    options = ["up", "--detach", "--config", str(settings), "--port", str(free_port())]

    failed = call_ostiary(*options, data=data)

    error = json.loads(failed.stdout)["error"]
    assert failed.returncode == 4
    assert "Replica orders-" in error["message"]
    assert (
        "ended before it was ready (exit code 7). Its last words: no database" in error["message"]
    )
    # Told again as long as it is so: it was never good.
    assert call_ostiary(*options, data=data).returncode == 4
    # Who is told may be a moment ahead of the guard's own end.
    wait_for(lambda: call_ostiary("down", data=data).returncode == 6, "the end")
    require_nothing_left(data)
