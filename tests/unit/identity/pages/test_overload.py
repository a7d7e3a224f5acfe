"""More sign-ins than can be served, on as many threads as a replica has.

Hashes are held until the test lets them go, so that nothing depends on time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from falcon import testing
from sqlalchemy import func, select

from ostiary.identity.passwords.hash_pool import HashPool
from ostiary.identity.passwords.sizing import gate_limits, request_threads
from ostiary.identity.store.schema import sign_in_failures
from tests.identity_app import IdentityService, build_identity, counted_statements, outcome_of

SECONDS_MAX = 60
QUEUE = 3
ADA = "ada@example.org"


class Surge:
    """A replica whose threads are busy with people who sign in."""

    def __init__(self, service: IdentityService) -> None:
        self.service = service
        settings = service.configuration.settings
        self.places = gate_limits(settings).slots + gate_limits(settings).queue
        self._pool = ThreadPoolExecutor(request_threads(settings))

    def send(self, request: Callable[[], testing.Result]) -> "Future[testing.Result]":
        return self._pool.submit(request)

    def fill(self) -> "list[Future[testing.Result]]":
        """Let strangers take every place at the gate."""
        answers = []
        for number in range(self.places):
            stranger = self.service.edge(client_address=f"10.0.{number}.1")
            form = self.form(stranger, f"u{number}@example.org")
            answers.append(
                self.send(lambda browser=stranger, form=form: browser.post("/sign-in", form))
            )
        self.until("ostiary_identity_hashes_running", 1)
        self.until("ostiary_identity_hash_queue_length", QUEUE)
        return answers

    def form(self, browser, email: str) -> dict[str, str]:
        password = "correct horse battery"
        return {"csrf_token": browser.csrf_token(), "email": email, "password": password}

    def metric(self, name: str) -> float:
        lines = self.service.identity.metrics().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def until(self, name: str, value: float) -> None:
        ends = time.monotonic() + SECONDS_MAX
        while self.metric(name) < value:
            assert time.monotonic() < ends, f"{name} never came to {value}"
            time.sleep(0.005)

    def close(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def hashing(monkeypatch) -> Iterator[threading.Event]:
    """An event without which no password is hashed from now on, once it is cleared."""
    allowed = threading.Event()
    allowed.set()
    ask = HashPool.ask

    def held(pool: HashPool, request: bytes) -> bytes:
        assert allowed.wait(SECONDS_MAX)
        return ask(pool, request)

    monkeypatch.setattr(HashPool, "ask", held)
    yield allowed
    allowed.set()


@pytest.fixture
def surge(tmp_path: Path, hashing, monkeypatch) -> Iterator[Surge]:
    """A replica with one hash at a time, three places to wait, and patient people."""
    monkeypatch.setattr("ostiary.identity.passwords.sizing.WAIT_SECONDS_MAX", float(SECONDS_MAX))
    service = build_identity(tmp_path, hash_concurrency=1, hash_queue=QUEUE, threads=2)
    service.add_user(ADA)
    surge = Surge(service)
    yield surge
    hashing.set()
    surge.close()
    service.close()


def test_strangers_are_sent_away_at_once_and_known_people_get_in(surge, hashing) -> None:
    known = surge.service.edge()
    assert known.sign_in(ADA).status_code == 303
    known.cookies.pop("ostiary_session")
    form = surge.form(known, ADA)
    hashing.clear()
    strangers = surge.fill()

    late = surge.service.edge(client_address="10.1.0.1").sign_in("late@example.org")
    assert (late.status_code, outcome_of(late)) == (503, "overloaded")
    assert int(late.headers["retry-after"]) > 0
    assert "your password was not checked" in late.text
    assert 'value="late@example.org"' in late.text

    signing_in = surge.send(lambda: known.post("/sign-in", form))
    surge.until('ostiary_identity_hash_requests_total{priority="other",result="shed"}', 2)
    hashing.set()
    assert signing_in.result(SECONDS_MAX).status_code == 303
    outcomes = sorted(outcome_of(each.result(SECONDS_MAX)) for each in strangers)
    assert outcomes == ["overloaded"] + ["unknown_user"] * QUEUE


def test_everything_else_is_answered_while_every_place_is_taken(surge, hashing) -> None:
    browser = surge.service.edge()
    browser.sign_in(ADA)
    hashing.clear()
    strangers = surge.fill()
    for path in ("/demo", "/sign-in", "/oauth2/jwks", "/.well-known/openid-configuration"):
        answer = surge.send(lambda path=path: browser.request("GET", path))
        assert answer.result(SECONDS_MAX).status_code == 200
    userinfo = surge.send(lambda: browser.request("GET", "/oauth2/userinfo"))
    assert userinfo.result(SECONDS_MAX).status_code == 401
    assert not any(each.done() for each in strangers)


def test_an_account_on_a_session_of_its_own_is_known_too(surge) -> None:
    browser = surge.service.edge()
    browser.sign_in(ADA)
    browser.cookies.pop("ostiary_device")
    known = 'ostiary_identity_hash_requests_total{priority="known",result="hashed"}'
    before = surge.metric(known)
    assert browser.sign_in(ADA).status_code == 303
    assert surge.metric(known) == before + 1


@pytest.mark.parametrize("cookie", ["ostiary_device", "ostiary_session"])
def test_a_cookie_that_somebody_made_up_does_not_get_past_the_door(surge, hashing, cookie) -> None:
    mallory = surge.service.edge(client_address="10.1.0.1")
    mallory.cookies[cookie] = f"{'A' * 32}.ffff{'A' * 16}"
    form = surge.form(mallory, ADA)
    hashing.clear()
    surge.fill()
    with counted_statements() as statements:
        assert mallory.post("/sign-in", form).status_code == 503
    assert statements.texts == []


def test_of_guesses_at_once_for_one_account_only_two_are_hashed(surge, hashing) -> None:
    strangers = [surge.service.edge(client_address=f"10.2.{n}.1") for n in range(6)]
    forms = [{**surge.form(each, ADA), "password": "wrong"} for each in strangers]
    hashing.clear()
    guesses = [
        surge.send(lambda each=each, form=form: each.post("/sign-in", form))
        for each, form in zip(strangers, forms, strict=True)
    ]
    surge.until('ostiary_identity_hash_requests_total{priority="other",result="shed"}', 4)
    hashing.set()
    outcomes = sorted(outcome_of(each.result(SECONDS_MAX)) for each in guesses)
    assert outcomes == ["bad_credentials"] * 2 + ["overloaded"] * 4
    with surge.service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sign_in_failures)).scalar() == 2


def test_who_was_sent_away_has_not_failed_however_often_it_was_asked(surge, hashing) -> None:
    hashing.clear()
    surge.fill()
    stranger = surge.service.edge(client_address="10.1.0.1")
    form = surge.form(stranger, ADA)
    for attempt in (1, 2):
        answer = stranger.post("/sign-in", form, request_id="r-1", attempt=attempt)
        assert answer.status_code == 503
    with surge.service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sign_in_failures)).scalar() == 0


def test_an_unknown_address_is_sent_away_like_any_other(surge, hashing) -> None:
    hashing.clear()
    surge.fill()
    answers = []
    for email in (ADA, "nobody@example.org"):
        answer = surge.service.edge(client_address="10.1.0.1").sign_in(email)
        answers.append((answer.status_code, outcome_of(answer), answer.headers["retry-after"]))
    assert answers[0] == answers[1]


def test_signing_up_gives_way_as_well(surge, hashing) -> None:
    hashing.clear()
    surge.fill()
    form = {"email": "new@example.org", "password": "a long enough password"}
    answer = surge.service.edge(client_address="10.1.0.1").submit("/sign-up", form)
    assert (answer.status_code, outcome_of(answer)) == (503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0


def test_operators_are_told_in_json(surge, hashing) -> None:
    hashing.clear()
    surge.fill()
    known = [
        surge.send(lambda n=n: surge.service.admin("POST", "/admin/users", user(n)))
        for n in range(QUEUE)
    ]
    surge.until('ostiary_identity_hash_requests_total{priority="other",result="shed"}', QUEUE)
    answer = surge.service.admin("POST", "/admin/users", user(99))
    assert (answer.status_code, answer.json["error"]) == (503, "overloaded")
    hashing.set()
    assert [each.result(SECONDS_MAX).status_code for each in known] == [201] * QUEUE


def user(number: int) -> dict[str, object]:
    email = f"user{number}@example.org"
    return {"email": email, "password": "correct horse battery", "roles": [], "probe": False}
