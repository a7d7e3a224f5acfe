"""Whom guessers can keep out of an account by asking all the time, and how often they can guess."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.sessions.networks import Networks, networks_of
from ostiary.identity.sessions.throttling import (
    WINDOW_SECONDS,
    FailureRecord,
    RecentFailures,
    seconds_to_wait,
)

HOUR = 3600
NEIGHBOUR, OWNER = networks_of("203.0.113.8"), networks_of("198.51.100.1")


@dataclass
class Guessed:
    """An account that is guessed at by unknown browsers. Nobody's password is right."""

    guesses: int = 0
    recent: list[tuple[int, Networks]] = field(default_factory=list)
    told_to_wait: dict[Networks, int] = field(default_factory=dict)

    def wait(self, networks: Networks, now: int) -> int:
        while self.recent and self.recent[0][0] < now - WINDOW_SECONDS:
            self.recent.pop(0)
        own = [at for at, of in self.recent if of == networks]
        around = [at for at, of in self.recent if of.network_range == networks.network_range]
        newest = {of.network_range: at for at, of in self.recent}
        newest.pop(networks.network_range, None)
        found = RecentFailures(
            elsewhere=record(list(newest.values())),
            pair=record(own),
            pair_range=record(around),
            network=record(own),
            network_range=record(around),
        )
        return seconds_to_wait(found, known=False, now=now)

    def guess(self, networks: Networks, now: int) -> None:
        """Try once if that can be of use; whoever is told to wait asks again when it is over."""
        if now < self.told_to_wait.get(networks, 0):
            return
        wait = self.wait(networks, now)
        self.told_to_wait[networks] = now + wait
        if not wait:
            self.recent.append((now, networks))
            self.guesses += 1


def record(moments: list[int]) -> FailureRecord:
    return FailureRecord(len(moments), max(moments, default=None))


def range_(number: int) -> Networks:
    return networks_of(f"10.{number // 256}.{number % 256}.7")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=50))
def test_one_network_keeps_nobody_else_out_however_it_asks(pauses: list[int]) -> None:
    account, now = Guessed(), 0
    while now < 2 * WINDOW_SECONDS:
        for pause in pauses:
            now += pause
            account.guess(networks_of("203.0.113.7"), now)
            assert account.wait(OWNER, now) == 0
            assert account.wait(NEIGHBOUR, now) == 0, "also not within the same range"
        now += 1


@pytest.mark.parametrize("ranges", [1, 2, 3])
def test_three_ranges_never_keep_the_owner_waiting(ranges: int) -> None:
    account = Guessed()
    for now in range(HOUR):
        for number in range(ranges):
            account.guess(range_(number), now)
        assert account.wait(OWNER, now) == 0


@pytest.mark.parametrize("networks", [1, 16])
def test_six_ranges_leave_gaps_for_the_owner(networks: int) -> None:
    account, longest, since = Guessed(), 0, 0
    guessers = [networks_of(f"10.0.{n % 6}.{n // 6}") for n in range(6 * networks)]
    for now in range(HOUR):
        for each in guessers:
            account.guess(each, now)
        if account.wait(OWNER, now) == 0:
            longest, since = max(longest, now - since), now
    assert max(longest, HOUR - since) < 240


@pytest.mark.parametrize("ranges", [4, 5, 6, 7, 8, 12, 40])
def test_guesses_are_bounded_however_many_ranges_they_come_from(ranges: int) -> None:
    account = Guessed()
    for now in range(HOUR):
        for number in range(ranges):
            account.guess(range_(number), now)
        assert account.wait(OWNER, now) <= 30
    assert account.guesses * 24 <= 23_000


def test_a_range_full_of_networks_is_bounded_as_well() -> None:
    account = Guessed()
    for now in range(HOUR):
        for number in range(64):
            account.guess(networks_of(f"203.0.113.{number}"), now)
    assert account.guesses * 24 <= 7_200
