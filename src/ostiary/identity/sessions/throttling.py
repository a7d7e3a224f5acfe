"""How long the next sign-in has to wait after failures, and how urgent it is.

Guessing is slowed down wherever it comes from, and nobody can lock somebody else out by it:

* Failures for one address from one network cost that address, from that network, up to half a
  minute for each further try: ten in a quarter of an hour are free.
* Failures for one address from one range of networks do the same, later: fifty are free, more
  than one network alone comes to, so that it cannot keep out its neighbours.
* An address for which several other ranges have failed costs the same, however often each of them
  did. One network, or three of them, can so keep nobody out by asking all the time, and a thousand
  ranges have 2,880 guesses a day, as many as one network.
* Failures from one network for all addresses, and from the range around it, slow down whoever
  tries many accounts. Many people may share such a network, so the wait is short.
* A browser that has signed in to the account before is not bound by any of these, but by its own
  failures only. So the owner gets in while somebody guesses, and so do their neighbours.

The address counts, not the account, so that the answer does not tell whether there is one.
Attempts that are refused because they have to wait are not failures and extend nothing.
"""

from dataclasses import dataclass, replace

from ostiary.identity.passwords.admission import Priority

WINDOW_SECONDS = 15 * 60
"""How long a failure counts."""


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """Recent failures of one kind. `last_at` is in Unix seconds, None where there is none."""

    count: int
    last_at: int | None


NO_FAILURES = FailureRecord(0, None)


@dataclass(frozen=True, slots=True)
class RecentFailures:
    """What has failed within the window, by what it has in common with the present attempt.

    For this address, `pair` is from this network, `pair_range` from its range, and `device` from
    this known browser; `elsewhere` counts the other ranges that have failed, each once. `network`
    and `network_range` are for every address.
    """

    elsewhere: FailureRecord = NO_FAILURES
    pair: FailureRecord = NO_FAILURES
    pair_range: FailureRecord = NO_FAILURES
    device: FailureRecord = NO_FAILURES
    network: FailureRecord = NO_FAILURES
    network_range: FailureRecord = NO_FAILURES

    @property
    def for_this_address(self) -> "RecentFailures":
        """Return them without those that are counted for every address.

        Nobody guesses the password of a probe account. What others do in its network must not keep
        the guard from seeing whether people can sign in.
        """
        return replace(self, network=NO_FAILURES, network_range=NO_FAILURES)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures cost no wait; the wait doubles from one second up to the maximum."""

    free: int
    wait_seconds_max: int

    @property
    def counted_max(self) -> int:
        """Return the number of failures beyond which more of them change nothing."""
        return self.free + self.wait_seconds_max.bit_length()


PAIR = Limit(free=10, wait_seconds_max=30)
DEVICE = Limit(free=10, wait_seconds_max=30)
PAIR_RANGE = Limit(free=50, wait_seconds_max=30)
ELSEWHERE = Limit(free=4, wait_seconds_max=30)
NETWORK = Limit(free=100, wait_seconds_max=8)
NETWORK_RANGE = Limit(free=400, wait_seconds_max=2)

WAIT_SECONDS_MAX = 30
"""The longest wait of all."""

_TRUSTED_FAILURES = 5
_SUSPECT_PAIR, _SUSPECT_PAIR_RANGE, _SUSPECT_NETWORK, _SUSPECT_RANGE = 3, 10, 10, 50


def seconds_to_wait(failures: RecentFailures, *, known: bool, now: int) -> int:
    """Return the seconds until the next attempt is allowed, 0 when it is allowed now.

    `known` says that the browser has signed in to this account before.
    """
    if known:
        return wait_seconds(failures.device, DEVICE, now=now)
    return max(
        wait_seconds(failures.pair, PAIR, now=now),
        wait_seconds(failures.pair_range, PAIR_RANGE, now=now),
        wait_seconds(failures.elsewhere, ELSEWHERE, now=now),
        wait_seconds(failures.network, NETWORK, now=now),
        wait_seconds(failures.network_range, NETWORK_RANGE, now=now),
    )


def wait_seconds(record: FailureRecord, limit: Limit, *, now: int) -> int:
    """Return the wait that one kind of failures asks for."""
    if record.last_at is None or record.count < limit.free:
        return 0
    # The exponent is bounded: beyond it the wait has reached its maximum anyway.
    doublings = min(record.count - limit.free, limit.wait_seconds_max.bit_length())
    wait = min(1 << doublings, limit.wait_seconds_max)
    # Between 0 and `wait` even where another replica's clock runs ahead of this one.
    return min(wait, max(0, record.last_at + wait - now))


def priority_of(failures: RecentFailures, *, known: bool) -> Priority:
    """Return how urgent an attempt is when there are more than can be served.

    `known` also holds for a browser whose session for this account still goes on.
    """
    if known and failures.device.count < _TRUSTED_FAILURES:
        return Priority.KNOWN
    suspect = (
        failures.pair.count >= _SUSPECT_PAIR
        or failures.pair_range.count >= _SUSPECT_PAIR_RANGE
        or failures.elsewhere.count >= ELSEWHERE.free
        or failures.network.count >= _SUSPECT_NETWORK
        or failures.network_range.count >= _SUSPECT_RANGE
    )
    return Priority.SUSPECT if suspect else Priority.OTHER
