"""Creating the people of a drill, several at a time."""

import threading
from collections import Counter

import pytest

from ostiary.drills.population import create_people
from ostiary.drills.traffic_plan import invent_people
from ostiary.guard.client import GuardClient, GuardError
from ostiary.kernel.errors import ExitCode
from ostiary.kernel.ids import SeededRandom

PEOPLE = invent_people(20, SeededRandom(1), roles=("member", "clerk"))


class Accounts(GuardClient):
    """A guard that keeps what it is told, refuses one address, and can wait for two at once."""

    def __init__(self, refused=None, at_once=1):
        self.created = []
        self._refused = refused
        self._meeting = threading.Barrier(at_once)

    def post(self, path, body=None):
        self._meeting.wait(timeout=10)
        if body["email"] == self._refused:
            raise GuardError("taken", "It is taken.", hint="", exit_code=ExitCode.USAGE)
        self.created.append((path, body))
        return {}


def test_everybody_gets_an_account_with_their_password_and_roles():
    guard = Accounts(at_once=2)

    create_people(guard, PEOPLE)

    told = {body["email"]: (path, body["password"], body["roles"]) for path, body in guard.created}
    assert told == {each.email: ("/users", each.password, ["member", "clerk"]) for each in PEOPLE}


def test_one_that_is_refused_is_told_and_nobody_is_nothing():
    with pytest.raises(GuardError, match="taken"):
        create_people(Accounts(refused=PEOPLE[3].email), PEOPLE)

    create_people(Accounts(), [])


class BusyGuard(GuardClient):
    """Sends each account away so many times, with this word."""

    def __init__(self, times, code):
        self._times, self._code = times, code
        self.tries = Counter()

    def post(self, path, body=None):
        self.tries[body["email"]] += 1
        if self.tries[body["email"]] <= self._times:
            raise GuardError(self._code, "No.", hint="", exit_code=ExitCode.INTERNAL)
        return {}


def test_whoever_is_sent_away_from_a_busy_replica_comes_back():
    guard, pauses = BusyGuard(2, "overloaded"), []
    create_people(guard, PEOPLE, pauses.append)
    assert guard.tries == {each.email: 3 for each in PEOPLE}
    assert len(pauses) == 2 * len(PEOPLE)


@pytest.mark.parametrize(("times", "code", "tries"), [(99, "overloaded", 6), (1, "taken", 1)])
def test_a_refusal_and_a_replica_that_stays_busy_are_told(times, code, tries):
    guard = BusyGuard(times, code)
    with pytest.raises(GuardError, match="No"):
        create_people(guard, PEOPLE[:1], lambda _: None)
    assert guard.tries.total() == tries
