"""Groups of oidc-provider that somebody else deploys, guarded by moving traffic between them."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.guard.client import GuardClient
from tests.guarded.conftest import QUICK, require_nothing_left
from tests.guarded.waiting import wait_for
from tests.node.cluster import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    USERNAME,
    Cluster,
    Member,
)
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

# The tests go on from where the one before left the system; `tests/workers.py` knows that.
pytestmark = [pytest.mark.node, pytest.mark.redis, pytest.mark.system]

SETTINGS = """
[services.login]
runtime = "endpoints"
routes = ["/op"]
group = "{group}"
health = "/op/health"
start_seconds_max = 6

[services.login.groups]
{groups}

[services.login.oidc]
client_id = "{client_id}"
client_secret_file = "secret"
redirect_uri = "{redirect_uri}"
scope = "openid email offline_access"
username = "{username}"
password_file = "password"
username_field = "login"
refresh = true
client_credentials = true
introspection = true
"""


@dataclass(frozen=True, slots=True)
class Login:
    """A system in front of groups, and who knows where they are."""

    system: RunningSystem
    cluster: Cluster
    groups: dict[str, list[Member]]
    directory: Path

    @property
    def token_url(self) -> str:
        return f"{self.system.issuer}/op/token"

    def settings(self, group: str) -> Path:
        """Return a file by which `group` serves, with all groups that there are."""
        return write_settings(self.directory, group, self.groups)

    def propose(self, group: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        config = ("--config", str(self.settings(group)))
        command = ("change", "propose", *config, *arguments, "--wait")
        result = call_ostiary(*command, data=self.system.data)
        assert result.stdout, result.stderr
        return result.returncode, json.loads(result.stdout)

    def members(self) -> list[dict[str, Any]]:
        replicas = self.system.status()["replicas"]
        return [each for each in replicas if each["service"] == "login"]

    def token(self) -> httpx.Response:
        """Ask for a token as applications do."""
        form = {"grant_type": "client_credentials"}
        return httpx.post(self.token_url, data=form, auth=(CLIENT_ID, CLIENT_SECRET), timeout=20)

    def answering(self) -> str:
        """Return the group whose member answers."""
        return self.token().headers["x-member"].partition("-")[0]

    @contextmanager
    def applications(self) -> Iterator[Counter[int | str]]:
        """Ask for tokens while the block runs; every one must come."""
        ended: Counter[int | str] = Counter()
        stop = threading.Event()

        def go_on() -> None:
            while True:
                try:
                    ended[self.token().status_code] += 1
                except httpx.HTTPError as error:
                    ended[type(error).__name__] += 1
                if stop.wait(0.05):
                    return

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield ended
        finally:
            stop.set()
            thread.join()
        assert set(ended) == {200}, ended


def write_settings(directory: Path, group: str, groups: dict[str, list[Member]]) -> Path:
    lines = [
        f"{name} = {json.dumps([member.address for member in members])}"
        for name, members in groups.items()
    ]
    file = directory / "ostiary.toml"
    text = SETTINGS.format(
        group=group,
        groups="\n".join(lines),
        client_id=CLIENT_ID,
        redirect_uri=REDIRECT_URI,
        username=USERNAME,
    )
    file.write_text(QUICK + text)
    return file


@pytest.fixture(scope="module")
def login(
    node: Path, redis_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Login]:
    directory = tmp_path_factory.mktemp("login")
    (directory / "secret").write_text(f"{CLIENT_SECRET}\n")
    (directory / "password").write_text(f"{PASSWORD}\n")
    data, port = directory / "data", free_port()
    issuer = f"http://127.0.0.1:{port}/op"
    with Cluster(node, redis_server, issuer, directory) as cluster:
        groups = {"blue": cluster.group("blue")}
        file = write_settings(directory, "blue", groups)
        options = ["--config", str(file), "--port", str(port)]
        try:
            up = run_ostiary("up", "--detach", *options, data=data)
            yield Login(RunningSystem(data, up, count(1)), cluster, groups, directory)
        finally:
            call_ostiary("down", data=data)
            require_nothing_left(data)


def failures(answer: dict[str, Any]) -> Sequence[str]:
    return [str(each["text"]) for each in answer["reasons"]]


def test_up_routes_to_the_group_and_status_names_its_members(login: Login) -> None:
    assert login.answering() == "blue"
    rows = login.members()
    assert sorted(row["port"] for row in rows) == sorted(m.port for m in login.groups["blue"])
    assert [row["pid"] for row in rows] == [None, None]
    assert [row["share"] for row in rows] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("wrong_issuer", "expected the issuer"),
        ("unpublished_key", "its key is not among the published ones"),
    ],
)
def test_a_group_with_wrong_tokens_is_refused_in_rehearsal(
    login: Login, fault: str, words: str
) -> None:
    login.groups[fault] = login.cluster.group(fault, members=1, faults=[fault])

    with login.applications():
        code, answer = login.propose(fault)

    assert (code, answer["verdict"]) == (4, "refused")
    assert any(words in each for each in failures(answer)), answer
    assert PASSWORD not in json.dumps(answer)
    assert login.answering() == "blue"


def test_a_group_that_answers_500_is_rolled_back_from_canary_with_no_call_failed(
    login: Login,
) -> None:
    login.groups["errors"] = login.cluster.group("errors", members=1, faults=["errors"])

    with login.applications():
        code, answer = login.propose("errors", "--from", "canary")

    assert (code, answer["verdict"]) == (5, "rolled_back")
    assert any("HTTP 500" in each for each in failures(answer)), answer
    assert login.answering() == "blue"


def test_a_group_that_is_not_there_is_no_candidate(login: Login) -> None:
    login.groups["gone"] = [Member("gone", free_port(), login.groups["blue"][0].process)]

    code, answer = login.propose("gone")

    assert (code, answer["verdict"]) == (4, "refused")
    address = login.groups["gone"][0].address
    assert any(address in each for each in failures(answer)), answer
    assert login.answering() == "blue"
    del login.groups["gone"]


def test_a_healthy_group_takes_over_and_knows_what_the_other_has_minted(login: Login) -> None:
    login.groups["green"] = login.cluster.group("green", signs="second")
    before = login.token().json()["access_token"]

    with login.applications():
        code, answer = login.propose("green")

    assert (code, answer["verdict"]) == (0, "promoted"), answer
    assert login.answering() == "green"
    known = httpx.post(
        f"{login.token_url}/introspection",
        data={"token": before},
        auth=(CLIENT_ID, CLIENT_SECRET),
    )
    assert known.json()["active"] is True
    assert {row["port"] for row in login.members()} == {m.port for m in login.groups["green"]}
    # Nothing was stopped: whoever deploys a group ends it.
    assert [m.process.poll() for m in login.groups["blue"]] == [None, None]


def test_a_member_that_is_down_is_told_and_not_replaced(login: Login) -> None:
    names = sorted(row["name"] for row in login.members())
    gone = login.groups["green"][0]
    gone.kill()

    def down() -> list[int]:
        return [row["port"] for row in login.members() if row["down"]]

    assert wait_for(down, "the member in status") == [gone.port]
    with login.applications() as ended:
        wait_for(lambda: ended.total() >= 10, "calls")
    assert sorted(row["name"] for row in login.members()) == names
    text = call_ostiary("status", data=login.system.data, as_json=False).stdout
    assert f"port {gone.port}" in text


def test_the_next_guard_knows_the_members_and_a_start_goes_on_without_one(login: Login) -> None:
    names = sorted(row["name"] for row in login.members())
    guard = json.loads((login.system.data / "guard.json").read_text())["pid"]
    with login.applications():
        os.kill(guard, signal.SIGKILL)
        client = GuardClient(login.system.data)
        wait_for(lambda: client.get("/status")["guard_pid"] != guard, "another guard")
        assert sorted(row["name"] for row in login.members()) == names

    login.system.ostiary("down")
    port = login.system.issuer.rpartition(":")[2]
    options = ["--config", str(login.settings("green")), "--port", port]
    up = call_ostiary("up", "--detach", *options, data=login.system.data)
    assert up.returncode == 0, up.stdout + up.stderr

    left = login.groups["green"][1]
    rows = wait_for(login.members, "the member that is left")
    assert [row["port"] for row in rows] == [left.port]
    # The edge is told right after the guard knows.
    wait_for(lambda: login.token().status_code == 200, "a token")
    missing = login.system.status()["replicas_missing"]
    assert [each["service"] for each in missing] == ["login"]
