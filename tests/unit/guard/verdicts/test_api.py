"""The service over HTTP: who may ask, what is refused, and that nothing wrong is a yes."""

import json
import socket

import pytest

from ostiary.guard.verdicts import api
from ostiary.kernel.journal import JournalError
from tests.unit.guard.verdicts.conftest import TOKENS, rollouts_in, serving, until

VIEWER, PROPOSER, APPROVER = (TOKENS[role] for role in ("viewer", "proposer", "approver"))
ROUTES = 'routes = ["token"]'
COUNTER = {"arm": "canary", "route": "token", "requests": 0, "faults": 0}
FLAGGER = {"name": "login", "namespace": "login", "phase": "Progressing", "checksum": "r1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    rollouts = rollouts_in("http://stable.test", "http://canary.test", ROUTES)
    journal = tmp_path_factory.mktemp("api") / "verdicts.db"
    with serving(rollouts, journal, walking=False) as served:
        yield served


@pytest.mark.parametrize(
    ("method", "path", "body", "token", "status", "code"),
    [
        ("GET", "/verdicts", None, None, 401, "operator_unknown"),
        ("GET", "/verdicts", None, "ostiary_wrong-0123456789", 401, "operator_unknown"),
        ("GET", "/verdicts/nobody", None, None, 401, "operator_unknown"),
        ("POST", "/verdicts/login", {"revision": "r1"}, None, 401, "operator_unknown"),
        ("POST", "/verdicts/login", {"revision": "r1"}, VIEWER, 403, "not_permitted"),
        ("POST", "/verdicts/login/counts", {}, VIEWER, 403, "not_permitted"),
        ("POST", "/verdicts/login/reset", {}, PROPOSER, 403, "not_permitted"),
        ("POST", "/verdicts/login/reset", {}, APPROVER, 400, "reason_missing"),
        ("GET", "/verdicts/logn", None, VIEWER, 404, "rollout_unknown"),
        ("POST", "/verdicts/logn", {"revision": "r1"}, PROPOSER, 404, "rollout_unknown"),
        ("POST", "/verdicts/login", {}, PROPOSER, 400, "revision_missing"),
        ("POST", "/verdicts/login", {"revision": 7}, PROPOSER, 400, "revision_missing"),
        (
            "POST",
            "/verdicts/login",
            {"revision": "\n"},
            PROPOSER,
            400,
            "revision_missing",
        ),
        ("POST", "/verdicts/login", [], PROPOSER, 400, "request_malformed"),
        ("POST", "/verdicts/login/counts", {}, PROPOSER, 400, "counts_malformed"),
        ("POST", "/verdicts/login/flagger/gate", {}, PROPOSER, 404, "hook_unknown"),
        (
            "POST",
            "/verdicts/login/flagger/rollback",
            {},
            PROPOSER,
            400,
            "revision_missing",
        ),
        ("DELETE", "/verdicts/login", None, APPROVER, 405, "request_unknown"),
        ("GET", "/nothing", None, APPROVER, 404, "request_unknown"),
    ],
)
def test_what_is_wrong_has_a_status_of_its_own_and_words(
    service, method, path, body, token, status, code
):
    content = None if body is None else json.dumps(body).encode()
    got, answer = service.send(method, path, content, token)
    assert (got, answer["error"]) == (status, code)
    assert answer["message"]
    assert answer["hint"]


def test_an_unknown_rollout_is_told_with_the_nearest_name(service):
    _, answer = service.get("/verdicts/logn")
    assert answer["message"] == "There is no rollout 'logn'. Did you mean login?"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1"])
def test_a_body_that_is_no_json_object_is_refused(service, content):
    status, answer = service.send("POST", "/verdicts/login", content, PROPOSER)
    assert (status, answer["error"]) == (400, "request_malformed")


def test_a_body_is_bounded_also_where_its_length_is_not_told(service):
    known = f"host: x\r\nauthorization: Bearer {PROPOSER}\r\n"
    head = f"POST /verdicts/login HTTP/1.1\r\n{known}"
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(9):
            connection.sendall(chunk)
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("sent", ["", "{"])
def test_a_body_that_does_not_come_is_not_waited_for(sent, tmp_path, monkeypatch):
    monkeypatch.setattr(api, "REQUEST_SECONDS_MAX", 0.3)
    rollouts = rollouts_in("http://stable.test", "http://canary.test")
    head = f"POST /verdicts/login HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {PROPOSER}\r\n"
    with (
        serving(rollouts, tmp_path / "verdicts.db", walking=False) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection,
    ):
        connection.sendall(f"{head}content-length: 100\r\n\r\n{sent}".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 408")
        assert json.loads(answer.partition(b"\r\n\r\n")[2].split(b"\r\n")[1])["hint"]
        until(lambda: is_answered(served))


def is_answered(served):
    """Return whether a whole request is; where the machine stands still, it is slow as well."""
    status, _ = served.post("/verdicts/login", {"revision": "r1"})
    assert status in {200, 408}
    return status == 200


def test_a_stranger_is_refused_before_the_whole_body_has_come(service):
    head = "POST /verdicts/login HTTP/1.1\r\nhost: x\r\nauthorization: Bearer wrong\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 401")


def test_a_journal_that_cannot_be_written_and_a_bug_are_no_verdict(tmp_path, capfd):
    rollouts = rollouts_in("http://stable.test", "http://canary.test")
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as served:
        served.verdicts._journal.close()
        status, answer = served.post("/verdicts/login", {"revision": "r1"})
        assert (status, "verdict" in answer) == (503, False)
        served.verdicts.rollouts["login"] = None
        status, answer = served.get("/verdicts")
        assert (status, answer["error"], answer["exit_code"]) == (500, "internal_error", 1)
        hook = served.post("/verdicts/login/flagger/rollback", FLAGGER)
        assert hook[0] == 500
    told = capfd.readouterr().err
    assert "Traceback" in told
    assert PROPOSER not in told


def test_a_run_that_cannot_be_noted_is_told_and_the_next_one_is(versions, tmp_path, capfd):
    stable, canary = versions
    with serving(rollouts_in(stable.url, canary.url), tmp_path / "verdicts.db") as served:
        noting, problems = (
            served.verdicts.note_run,
            [JournalError("disk_full", "The disk is full.")],
        )

        def failing_once(*said):
            if problems:
                raise problems.pop()
            noting(*said)

        served.verdicts.note_run = failing_once
        served.ask("r1")
        until(lambda: served.ask("r1")["evidence"]["journey_runs"] > 0)
    assert "A run of login was not noted: The disk is full." in capfd.readouterr().err


def test_health_needs_no_token_and_tells_nothing(service):
    assert service.get("/healthz", token=None) == (200, {"status": "ok"})


def test_flagger_is_known_by_the_token_in_its_metadata(service):
    path = "/verdicts/login/flagger/confirm"
    status, answer = service.post(path, {**FLAGGER, "metadata": {"token": "wrong"}}, token=None)
    assert (status, answer["error"]) == (401, "operator_unknown")
    body = {**FLAGGER, "metadata": {"token": PROPOSER}}
    status, answer = service.post(path, body, token=None)
    assert (status, answer["verdict"], answer["revision"]) == (409, "undecided", "r1")


def test_an_old_flagger_names_the_revision_in_its_metadata(service):
    body = {"name": "login", "metadata": {"token": PROPOSER, "revision": "named"}}
    _, answer = service.post("/verdicts/login/flagger/confirm", body, token=None)
    assert answer["revision"] == "named"


def test_counts_are_for_the_present_revision_only(service):
    service.ask("r1")
    status, answer = service.post(
        "/verdicts/login/counts", {"revision": "r2", "counters": [COUNTER]}
    )
    assert (status, answer["error"]) == (409, "revision_other")
    status, answer = service.post(
        "/verdicts/login/counts", {"revision": "r1", "counters": [COUNTER]}
    )
    assert (status, answer["verdict"]) == (200, "undecided")


def test_counts_are_refused_where_they_have_no_part(tmp_path):
    rollouts = rollouts_in("http://stable.test", "http://canary.test")
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as served:
        served.ask("r1")
        status, answer = served.post("/verdicts/login/counts", {"revision": "r1", "counters": []})
    assert (status, answer["error"]) == (409, "counts_unused")
