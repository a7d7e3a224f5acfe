"""The kernel tells who connects: real users of the machine at a real socket."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.changes.operator_settings import OperatorSettings
from ostiary.guard.api import create_api
from ostiary.guard.client import GuardClient, GuardError
from ostiary.guard.operators.peer import CONNECTIONS_MAX
from ostiary.guard.operators.registry import Registry
from ostiary.guard.operators.tokens import digest_of
from ostiary.kernel.errors import ExitCode, NotRunningError, UsageError
from tests.other_users import as_user
from tests.unit.guard.operators.answering import Answering
from tests.unit.guard.operators.serving import ask_as, serving

TOKEN = "ostiary_token-of-the-chief-0123456789"
OPERATORS = {
    "ada": OperatorSettings(role="proposer", uid=1001),
    "eve": OperatorSettings(role="viewer", uid=1003),
    "chief": OperatorSettings(role="admin", token_sha256=digest_of(TOKEN)),
}


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o755)
    registry = Registry(OPERATORS, owner_uid=os.geteuid())
    with serving(create_api(Answering(), registry), tmp_path) as path:
        yield path


@pytest.mark.users
def test_a_user_id_is_known_by_the_kernel_s_word(path):
    assert ask_as(1001, path, "POST", "/changes", body={}) == (200, {"caller": "ada"})
    status, answer = ask_as(1003, path, "POST", "/changes", body={})
    assert (status, answer["error"], answer["exit_code"]) == (409, "not_permitted", 3)
    assert ask_as(1003, path, "GET", "/changes") == (200, {"asked": "changes"})


@pytest.mark.users
@pytest.mark.parametrize("target", ["/status", "/changes/c-1/approve", "/no-such-thing"])
def test_a_stranger_gets_the_same_answer_whatever_is_asked(path, target):
    status, answer = ask_as(1004, path, "POST", target, body={"operator": "ada"})
    assert status == 409
    assert answer["error"] == "operator_unknown"
    assert answer["exit_code"] == ExitCode.USAGE


@pytest.mark.users
def test_a_token_decides_before_the_user_id(path):
    assert ask_as(1003, path, "POST", "/shutdown", token=TOKEN) == (200, {"caller": "chief"})
    assert ask_as(1004, path, "POST", "/shutdown", token=TOKEN) == (200, {"caller": "chief"})
    status, answer = ask_as(1001, path, "POST", "/changes", token="ostiary_wrong", body={})
    assert (status, answer["error"]) == (409, "operator_unknown")


@pytest.mark.users
def test_nobody_else_can_open_the_owner_s_own_socket(path):
    private = path.parents[1] / "guard.sock"
    with pytest.raises(AssertionError, match="PermissionError"):
        ask_as(1001, private, "GET", "/status")


def test_the_owner_s_commands_need_no_table_and_a_token_takes_their_place(path):
    data = path.parents[1]
    assert GuardClient(data, socket=path).post("/shutdown") == {"caller": "owner"}
    chief = GuardClient(data, socket=path, token=TOKEN)
    assert chief.post("/shutdown") == {"caller": "chief"}
    with pytest.raises(GuardError) as caught:
        GuardClient(data, socket=path, token="ostiary_wrong").get("/status")
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_token_is_not_sent_where_others_could_have_put_a_socket(path, tmp_path):
    path.parent.chmod(0o777)
    client = GuardClient(tmp_path, socket=path, token=TOKEN)
    with pytest.raises(UsageError) as caught:
        client.get("/status")
    assert caught.value.code == "socket_directory_open"
    # Without a token there is nothing to lose.
    assert GuardClient(tmp_path, socket=path).get("/status") == {"asked": "status"}


class New:
    """A resource that somebody has added without saying who may use it."""

    async def on_get(self, _request, response):
        response.media = {"secret": 1}


def test_a_route_that_is_in_no_table_is_closed_even_to_the_owner(tmp_path):
    app = create_api(Answering(), Registry({}, owner_uid=os.geteuid()))
    app.add_route("/new", New())
    with serving(app, tmp_path) as path, pytest.raises(GuardError) as caught:
        GuardClient(tmp_path, socket=path).get("/new")
    assert caught.value.code == "not_permitted"


def test_what_the_guard_does_not_serve_is_told_as_before(path, tmp_path):
    with pytest.raises(GuardError) as caught:
        GuardClient(tmp_path, socket=path).get("/nothing")
    assert caught.value.code == "request_unknown"


HOLD = """
import select, socket, sys
held = []
for _ in range(int(sys.argv[2])):
    each = socket.socket(socket.AF_UNIX)
    each.connect(sys.argv[1])
    held.append(each)
# The guard closes those above its limit, which makes them readable; the others stay silent.
closed = []
while len(closed) < int(sys.argv[3]):
    closed = select.select(held, [], [], 5)[0]
print(len(closed))
"""


@pytest.mark.users
def test_one_user_cannot_hold_every_connection(path, tmp_path):
    command = [*as_user(1004), sys.executable, "-c", HOLD, str(path), str(CONNECTIONS_MAX + 3), "3"]
    held = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(held.stdout) == 3
    assert GuardClient(tmp_path, socket=path).get("/status") == {"asked": "status"}


def test_a_guard_that_is_not_there_is_told_by_its_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    with pytest.raises(NotRunningError, match=r"The guard at .*dead\.sock does not answer"):
        GuardClient(tmp_path, socket=tmp_path / "dead.sock").get("/status")
