"""The gate on real threads, with work that ends when the test says so."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ostiary.identity.passwords.admission import GateLimits, Priority, admit
from ostiary.identity.passwords.claims import Claim
from ostiary.identity.passwords.gate import HashGate, OverloadedError
from ostiary.kernel.clock import SystemClock
from tests.fakes.clock import FakeClock

KNOWN, OTHER, SUSPECT = (Claim(each) for each in Priority)
SECONDS_MAX = 60


class Crowd:
    """People at a gate whose hashes are held until they are let go."""

    def __init__(self, limits: GateLimits) -> None:
        self.gate = HashGate(limits, SystemClock())
        self._slots = limits.slots
        self._pool = ThreadPoolExecutor(32)
        self._held = threading.Event()
        self.order: list[str] = []

    def ask(self, name: str, claim: Claim) -> "Future[None]":
        """Ask for a hash; return when the request has come to rest: running, waiting or shed."""
        before = self._seen()
        asked = self._pool.submit(self.gate.run, lambda: self._hash(name), claim)
        ends = time.monotonic() + SECONDS_MAX
        while self._seen() == before or not self._is_at_rest():
            assert time.monotonic() < ends, "the request never came to rest"
            time.sleep(0.001)
        return asked

    def _seen(self) -> int:
        counts = self.gate.counts()
        done = (*counts.hashed.values(), *counts.shed.values())
        return counts.waiting + counts.running + sum(done)

    def _is_at_rest(self) -> bool:
        counts = self.gate.counts()
        return counts.waiting == 0 or counts.running == self._slots

    def _hash(self, name: str) -> None:
        self._held.wait(SECONDS_MAX)
        self.order.append(name)

    def let_go(self) -> None:
        self._held.set()

    def close(self) -> None:
        self.let_go()
        self._pool.shutdown()


@pytest.fixture
def make_crowd() -> Iterator[Callable[..., Crowd]]:
    crowds: list[Crowd] = []

    def make(*, slots: int = 1, queue: int = 2, wait: float = SECONDS_MAX) -> Crowd:
        crowds.append(Crowd(GateLimits(slots, queue, wait)))
        return crowds[-1]

    yield make
    for crowd in crowds:
        crowd.close()


def test_no_more_hashes_run_than_there_are_slots(make_crowd) -> None:
    crowd = make_crowd(slots=2, queue=8)
    for number in range(6):
        crowd.ask(str(number), OTHER)
    counts = crowd.gate.counts()
    assert (counts.running, counts.waiting) == (2, 4)


def test_the_most_trusted_are_served_first(make_crowd) -> None:
    crowd = make_crowd(queue=8)
    claims = {"first": OTHER, "suspect": SUSPECT, "other": OTHER, "known": KNOWN}
    asked = [crowd.ask(name, claim) for name, claim in claims.items()]
    crowd.let_go()
    for each in asked:
        each.result(SECONDS_MAX)
    assert crowd.order == ["first", "known", "other", "suspect"]


def test_a_full_queue_sends_newcomers_away_and_says_when_to_come_back(make_crowd) -> None:
    crowd = make_crowd()
    for name in ("runs", "waits", "waits too"):
        crowd.ask(name, OTHER)
    with pytest.raises(OverloadedError) as caught:
        crowd.gate.run(lambda: None, SUSPECT)
    assert caught.value.retry_after_seconds > 0
    with pytest.raises(OverloadedError):
        crowd.gate.require_room(Priority.OTHER)
    crowd.gate.require_room(Priority.KNOWN)
    assert crowd.gate.counts().shed[Priority.OTHER] == 1


def test_a_known_person_takes_the_place_of_the_youngest_suspect(make_crowd) -> None:
    crowd = make_crowd()
    crowd.ask("runs", OTHER)
    older, younger = crowd.ask("older", SUSPECT), crowd.ask("younger", SUSPECT)
    known = crowd.ask("known", KNOWN)
    with pytest.raises(OverloadedError):
        younger.result(SECONDS_MAX)
    crowd.let_go()
    known.result(SECONDS_MAX)
    older.result(SECONDS_MAX)


def test_whoever_has_waited_too_long_is_sent_away(make_crowd) -> None:
    crowd = make_crowd(wait=0.05)
    crowd.ask("runs", OTHER)
    with pytest.raises(OverloadedError):
        crowd.gate.run(lambda: None, KNOWN)
    assert crowd.gate.counts().waiting == 0


@pytest.mark.parametrize("priority", Priority)
def test_one_account_holds_few_places_and_gets_them_back(make_crowd, priority) -> None:
    crowd = make_crowd(queue=8)
    adas = Claim(priority, "ada")
    asked = [crowd.ask(f"ada {turn}", adas) for turn in range(2)]
    with pytest.raises(OverloadedError):
        crowd.gate.run(lambda: None, adas)
    asked.append(crowd.ask("bob", Claim(priority, "bob")))
    crowd.let_go()
    for each in asked:
        each.result(SECONDS_MAX)
    assert crowd.gate.run(lambda: 7, adas) == 7


def test_two_jobs_on_two_idle_slots_run_at_the_same_time() -> None:
    for _ in range(20):
        gate = HashGate(GateLimits(2, 2, SECONDS_MAX), SystemClock())
        together = threading.Barrier(2, timeout=SECONDS_MAX)
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(gate.run, together.wait, OTHER) for _ in range(2)]:
                each.result()


def test_what_the_work_raises_reaches_whoever_asked(make_crowd) -> None:
    gate = make_crowd().gate
    with pytest.raises(ZeroDivisionError):
        gate.run(lambda: 1 // 0, KNOWN)
    assert gate.run(lambda: 7, KNOWN) == 7


def test_one_hash_that_stood_still_sends_nobody_away_and_many_slow_ones_do() -> None:
    clock = FakeClock()
    limits = GateLimits(slots=1, queue=100, wait_seconds_max=1.0)
    gate = HashGate(limits, clock)

    def hash_for(seconds: float) -> None:
        gate.run(lambda: clock.advance(seconds), OTHER)

    def waiting_room() -> bool:
        """Whether somebody is let in while ten others wait and one is hashed."""
        waiting = [Priority.OTHER] * 10
        return admit(waiting, Priority.OTHER, limits, hash_seconds=gate._mean_seconds).admitted

    hash_for(0.06)
    hash_for(30.0)
    assert waiting_room()
    for _ in range(10):
        hash_for(0.3)
    assert not waiting_room()
